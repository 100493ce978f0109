/** Who may do what: credentials, grants by namespace and rate limits. */
@NullMarked
package io.tally.access;

import org.jspecify.annotations.NullMarked;
