package io.tally.lane;

import java.util.List;
import reactor.core.publisher.Mono;

/** Carries out the batches of a {@link Lane}, one at a time. */
public interface BatchHandler<I, O> {

    /**
     * Carries out a batch and answers each request. The lane subscribes once and starts no other batch until this one
     * completes. It cancels only a batch that takes longer than {@link Lane.Limits#flightMax}. Requests without an
     * answer at the end get {@link #abandoned}.
     */
    Mono<Void> handle(List<PendingRequest<I, O>> batch);

    /** The outcome of a request that the full queue rejects, or that waited too long; nothing was applied. */
    O overloaded();

    /**
     * The outcome of a request that is not sent because the target is unavailable or the lane closes; nothing was
     * applied.
     */
    O unavailable();

    /** The outcome of a request whose batch ended without an answer to it. */
    O abandoned();

    /** Whether the last batch reached its target. */
    boolean isAvailable();

    /** Whether a batch ends with a commit, which a larger batch shares. */
    default boolean commits() {
        return false;
    }

    /** Releases the handler's resources, after the last batch. */
    default Mono<Void> close() {
        return Mono.empty();
    }
}
