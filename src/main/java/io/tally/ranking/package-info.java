/** Lists of counters: by name, and by value and growth, whose order a separate table contains. */
@NullMarked
package io.tally.ranking;

import org.jspecify.annotations.NullMarked;
