/** The vocabulary: counters, what may be done to them and what comes of it. JDK only. */
@NullMarked
package io.tally.counter;

import org.jspecify.annotations.NullMarked;
