/** Snapshots: what every counter of a namespace held, kept beside its value, to tell growth by. */
@NullMarked
package io.tally.snapshot;

import org.jspecify.annotations.NullMarked;
