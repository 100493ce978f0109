package io.tally.idempotency;

import java.time.Duration;
import java.time.Instant;
import reactor.core.publisher.Mono;

/** The rows of one kind whose retention has ended. */
public interface ExpiredRows {

    /**
     * Removes the oldest rows in a short transaction that no lane waits for. May be cancelled.
     *
     * @param from what the removal before this one reached; {@link Instant#EPOCH} at first
     * @param max the most rows to remove
     */
    Mono<Removal> remove(Instant from, Duration retention, int max);

    /**
     * The result of a removal.
     *
     * @param reached the start of the retention of the last row removed; {@code from} where none was removed
     */
    record Removal(long removed, Instant reached) {}
}
