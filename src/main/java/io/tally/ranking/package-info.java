/** Lists of counters: by name, and by value and growth in an order that is kept beside the counters. */
@NullMarked
package io.tally.ranking;

import org.jspecify.annotations.NullMarked;
