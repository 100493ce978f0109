package io.tally.lane;

import java.util.List;
import reactor.core.publisher.Mono;

/** Carries out the batches of a {@link Lane}, one at a time. */
public interface BatchHandler<I, O> {

    /**
     * Carries out a batch and answers each request. The lane subscribes once and starts no other batch until this one
     * completes. It cancels only a batch that takes longer than {@link Lane.Limits#flightMax}. Requests without an
     * answer at the end get {@link Refusals#abandoned}.
     */
    Mono<Void> handle(List<PendingRequest<I, O>> batch);

    /** The outcomes of requests that no batch answers. */
    Refusals<O> refusals();

    /**
     * The outcomes of requests that no batch answers.
     *
     * @param overloaded the queue is full, or the request waited too long; nothing was applied
     * @param unavailable the target is unavailable or the lane closes; nothing was applied
     * @param abandoned the request's batch ended without an answer to it
     */
    record Refusals<O>(O overloaded, O unavailable, O abandoned) {}

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
