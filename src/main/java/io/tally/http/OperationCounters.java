package io.tally.http;

import io.micrometer.core.instrument.Counter;
import io.micrometer.core.instrument.MeterRegistry;
import io.tally.counter.OutcomeCategory;
import io.tally.idempotency.IdempotentResult;
import io.tally.pipeline.StoreFailure;
import io.tally.telemetry.Meter;
import io.tally.telemetry.MeterFamily;
import java.util.function.Predicate;
import reactor.core.publisher.Mono;

/** Counts the operations of a feature that does not use the lanes of counters. Safe for use by many threads. */
public final class OperationCounters {

    private final MeterFamily<OutcomeCategory, Counter> counters;

    /** @param kind the label of the operation */
    public OperationCounters(MeterRegistry registry, String kind) {
        counters = Meter.OPERATIONS.counters(registry, OutcomeCategory.class, kind);
    }

    /** Counts operations of that category. */
    public void count(OutcomeCategory category, long operations) {
        counters.of(category).increment((double) operations);
    }

    /**
     * Work that counts as one operation when it ends.
     *
     * @param isApplied whether a result changed something
     */
    public <T> Mono<IdempotentResult<T>> counted(Mono<IdempotentResult<T>> work, Predicate<T> isApplied) {
        return work.doOnNext(once -> count(once.category(isApplied), 1))
                .doOnError(
                        StoreFailure.class,
                        failure -> count(Problems.outcome(failure).category(), 1));
    }
}
