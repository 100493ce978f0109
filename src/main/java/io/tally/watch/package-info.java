/** States of counters, as they become: conflated, bounded, one poll for all who watch at an instance. */
@NullMarked
package io.tally.watch;

import org.jspecify.annotations.NullMarked;
