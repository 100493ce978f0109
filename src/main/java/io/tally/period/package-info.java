/** Periods of counters: the ended ones, and the background passes that begin periods and remove expired counters. */
@NullMarked
package io.tally.period;

import org.jspecify.annotations.NullMarked;
