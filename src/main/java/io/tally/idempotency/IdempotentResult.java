package io.tally.idempotency;

import io.tally.counter.OutcomeCategory;
import java.util.function.Predicate;

/** The result of work that is done once per key. */
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

    /** The work was done now, or it was refused and changed nothing. */
    record Fresh<T>(T result) implements IdempotentResult<T> {}

    /** An earlier request with the key had this result. This request changed nothing. */
    record Replayed<T>(T result) implements IdempotentResult<T> {}

    /** An earlier request with another content used the key. This request changed nothing. */
    record KeyReused<T>() implements IdempotentResult<T> {}
}
