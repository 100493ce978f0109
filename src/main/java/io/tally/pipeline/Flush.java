package io.tally.pipeline;

import io.tally.counter.Outcome.Refusal;
import java.util.List;
import reactor.core.publisher.Mono;

/** What a {@link Lane} does with a batch. */
public interface Flush<I, O> {

    /**
     * Carries out a batch and answers each waiter. The lane subscribes once, never cancels, and starts no other batch
     * until this one completes. Completes when everybody is answered; whoever is not by then is told
     * {@link #abandoned}.
     */
    Mono<Void> flush(List<Waiter<I, O>> batch);

    /** The answer for one that was never sent. */
    O refused(Refusal refusal);

    /** The answer for one that was in a batch which ended without an answer. */
    O abandoned();

    /** Whether the last batch reached the database. */
    boolean storeAnswers();

    /** Whether a batch ends with a commit, which a larger batch shares. */
    default boolean commits() {
        return false;
    }

    /** Lets go of what it holds, after the last batch. */
    default Mono<Void> close() {
        return Mono.empty();
    }
}
