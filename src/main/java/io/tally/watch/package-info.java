/** Live streams of counters: conflated and bounded, with one poll for all streams of an instance. */
@NullMarked
package io.tally.watch;

import org.jspecify.annotations.NullMarked;
