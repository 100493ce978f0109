package io.tally.pipeline;

import java.time.Duration;
import java.time.Instant;
import reactor.core.publisher.Mono;

/** Rows of one kind that are kept no longer. */
public interface ExpiredRows {

    /**
     * Removes some, the oldest first, in a short transaction that waits for no lane and keeps none waiting. Fails with
     * {@link StoreFailure} only; may be cancelled.
     *
     * @param from where the removal before this one came to; {@link Instant#EPOCH} at first
     * @param max how many at most
     */
    Mono<Removal> remove(Instant from, Duration retention, int max);

    /**
     * What was removed.
     *
     * @param reached from when the retention of the last of them counted; {@code from} where there was none
     */
    record Removal(long removed, Instant reached) {}
}
