package io.tally.snapshot;

import io.tally.counter.IdempotencyKey;
import io.tally.counter.KeyedRequest;
import io.tally.counter.OutcomeCategory;
import io.tally.http.FeatureMetrics;
import io.tally.http.FeatureMetrics.Feature;
import io.tally.http.Problems;
import io.tally.idempotency.IdempotentResult;
import io.tally.job.JobStore.Started;
import io.tally.job.Jobs;
import io.tally.pipeline.StoreFailure;
import org.jspecify.annotations.Nullable;
import reactor.core.publisher.Mono;

/** Snapshots, each a job. Safe for use by many threads. */
public final class Snapshots {

    /** The name of this kind of job. */
    public static final String KIND = "snapshot";

    private final Jobs jobs;
    private final FeatureMetrics metrics;

    Snapshots(Jobs jobs, FeatureMetrics metrics) {
        this.jobs = jobs;
        this.metrics = metrics;
    }

    /**
     * Starts a snapshot of a namespace, unless one runs there. Fails with {@link StoreFailure}; cancelling gives up the
     * answer, never the snapshot.
     */
    Mono<IdempotentResult<Started>> start(String namespace, @Nullable IdempotencyKey key) {
        return jobs.start(KIND, namespace, key == null ? null : KeyedRequest.of(key, KIND))
                .doOnNext(once -> recordOutcome(once.category(Started::fresh)))
                .doOnError(
                        StoreFailure.class,
                        failure -> recordOutcome(Problems.outcome(failure).category()));
    }

    private void recordOutcome(OutcomeCategory category) {
        metrics.recordOutcome(Feature.SNAPSHOT, category, 1);
    }
}
