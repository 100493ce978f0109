package io.tally.idempotency;

import io.tally.counter.Outcome.Verdict;
import java.util.function.Predicate;

/** What came of work that is done once for each key. */
public sealed interface IdempotentResult<T> {

    /**
     * What the caller is told, in one word.
     *
     * @param isApplied whether a result is one that changed something
     */
    default Verdict verdict(Predicate<T> isApplied) {
        return switch (this) {
            case First<T> first -> isApplied.test(first.result()) ? Verdict.APPLIED : Verdict.REJECTED;
            case Again<T> again -> Verdict.REPLAYED;
            case Reused<T> reused -> Verdict.REJECTED;
        };
    }

    /** It was done now, or refused and changed nothing. */
    record First<T>(T result) implements IdempotentResult<T> {}

    /** It had been done before, with this result. Now nothing was done. */
    record Again<T>(T result) implements IdempotentResult<T> {}

    /** Something else was done under the key before. Now nothing was done. */
    record Reused<T>() implements IdempotentResult<T> {}
}
