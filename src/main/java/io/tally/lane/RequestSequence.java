package io.tally.lane;

import org.jspecify.annotations.Nullable;

/**
 * Requests that one caller submits to one lane, and that the lane must not reorder. When the lane refuses one of them,
 * it refuses every later one with the same outcome and applies none of them, until the caller submits all of them again
 * under a new sequence.
 *
 * <p>Written by the lane, for one batch at a time; read by any thread.
 */
final class RequestSequence<O> {

    private volatile @Nullable O refusal;

    /** The outcome of the first request that was refused, or {@code null} while none was. */
    @Nullable
    O refusal() {
        return refusal;
    }

    /** Refuses every request of this sequence that is not yet in a batch. */
    void refuseFrom(O outcome) {
        refusal = outcome;
    }
}
