/** A bounded queue that hands its requests to a handler in batches, one batch at a time. */
@NullMarked
package io.tally.lane;

import org.jspecify.annotations.NullMarked;
