/** The namespaces that have counters. */
@NullMarked
package io.tally.namespace;

import org.jspecify.annotations.NullMarked;
