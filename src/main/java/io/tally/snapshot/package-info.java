/** Snapshots: a copy of the value of every counter of a namespace, stored beside its value, to compute growth. */
@NullMarked
package io.tally.snapshot;

import org.jspecify.annotations.NullMarked;
