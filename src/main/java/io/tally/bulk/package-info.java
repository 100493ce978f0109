/** Many increments in one request: arrays, streams of lines, transactions, item order and summaries. */
@NullMarked
package io.tally.bulk;

import org.jspecify.annotations.NullMarked;
