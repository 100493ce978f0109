package io.tally.snapshot;

import io.micrometer.core.instrument.MeterRegistry;
import io.tally.counter.IdempotencyKey;
import io.tally.counter.KeyedRequest;
import io.tally.http.OperationCounters;
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
    private final OperationCounters counters;

    Snapshots(Jobs jobs, MeterRegistry registry) {
        this.jobs = jobs;
        this.counters = new OperationCounters(registry, KIND);
    }

    /**
     * Starts a snapshot of a namespace, unless one runs there. Fails with {@link StoreFailure}; cancelling drops the
     * result, not the snapshot.
     */
    Mono<IdempotentResult<Started>> start(String namespace, @Nullable IdempotencyKey key) {
        return counters.counted(
                jobs.start(KIND, namespace, key == null ? null : KeyedRequest.of(key, KIND)), Started::fresh);
    }
}
