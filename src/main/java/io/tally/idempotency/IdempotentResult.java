package io.tally.idempotency;

import io.tally.counter.OutcomeCategory;
import java.util.function.Predicate;

/** The result of work that is done once for each key. */
public sealed interface IdempotentResult<T> {

    /**
     * The category of the outcome.
     *
     * @param isApplied whether a result changed something
     */
    default OutcomeCategory category(Predicate<T> isApplied) {
        return switch (this) {
            case Fresh<T> fresh -> isApplied.test(fresh.result()) ? OutcomeCategory.APPLIED : OutcomeCategory.REJECTED;
            case Replayed<T> replayed -> OutcomeCategory.REPLAYED;
            case KeyReused<T> reused -> OutcomeCategory.REJECTED;
        };
    }

    /** It was done now, or refused and changed nothing. */
    record Fresh<T>(T result) implements IdempotentResult<T> {}

    /** It had been done before, with this result. Now nothing was done. */
    record Replayed<T>(T result) implements IdempotentResult<T> {}

    /** The key was used before for other work. Now nothing was done. */
    record KeyReused<T>() implements IdempotentResult<T> {}
}
