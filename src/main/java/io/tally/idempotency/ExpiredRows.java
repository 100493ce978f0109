package io.tally.idempotency;

import java.time.Duration;
import java.time.Instant;
import reactor.core.publisher.Mono;

/** The rows of one kind whose retention has expired. */
public interface ExpiredRows {

    /**
     * Removes the oldest rows in a short transaction that no lane waits for. May be cancelled.
     *
     * @param from the end of the previous removal; {@link Instant#EPOCH} at first
     * @param max the maximum of rows to remove
     */
    Mono<Removal> remove(Instant from, Duration retention, int max);

    /**
     * The result of a removal.
     *
     * @param reached the start of the retention of the last removed row; {@code from} where none was removed
     */
    record Removal(long removed, Instant reached) {}
}
