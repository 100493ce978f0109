package io.tally.http;

import io.tally.counter.Command;
import io.tally.counter.IdempotencyKey;
import io.tally.counter.Operation;
import io.tally.counter.Outcome;
import io.tally.pipeline.CounterPipeline;
import java.util.List;
import org.jspecify.annotations.Nullable;
import reactor.core.publisher.Mono;

/**
 * A request for an increment or a transaction, which may be a dry run.
 *
 * @param dryRun whether the response says what would happen, and nothing is applied
 */
public record IncrementRequest(
        Operation operation, @Nullable IdempotencyKey key, boolean dryRun) {

    /** The actions of which a caller needs one before the body is read. A caller without them lacks the first. */
    public static final List<Action> ACTIONS = List.of(Action.WRITE, Action.READ);

    /**
     * Checks that a dry run has no key.
     *
     * @throws ProblemException if it has one
     */
    public IncrementRequest {
        if (dryRun && key != null) {
            throw Bodies.malformed("A dry run must have no Idempotency-Key, since nothing is stored under it.");
        }
    }

    /** The action that the body needs. */
    public static Action action(boolean dryRun) {
        return dryRun ? Action.READ : Action.WRITE;
    }

    /** The same request with another key. */
    public IncrementRequest withKey(@Nullable IdempotencyKey other) {
        return new IncrementRequest(operation, other, dryRun);
    }

    /** Carries out the request on subscription. */
    public Mono<Outcome> outcome(CounterPipeline pipeline) {
        return dryRun ? pipeline.dryRun(operation) : pipeline.apply(Command.of(operation, key));
    }
}
