package io.tally.job;

import io.tally.counter.KeyedRequest;
import io.tally.idempotency.IdempotentResult;
import java.util.List;
import java.util.Set;
import java.util.UUID;
import org.jspecify.annotations.Nullable;
import reactor.core.publisher.Mono;

/** The store of jobs. Fails with {@link io.tally.pipeline.StoreFailure} only. */
public interface JobStore {

    /**
     * Starts a job, unless one of the kind runs in the namespace. Cancelling drops the result, not the job.
     *
     * @param request {@code null} to start a job each time
     */
    Mono<IdempotentResult<Started>> start(String kind, String namespace, @Nullable KeyedRequest request);

    /** A job; empty if there is none. */
    Mono<Job> find(UUID id);

    /**
     * The running jobs of all shards, the oldest first.
     *
     * @param max the maximum of jobs
     */
    Mono<List<Job>> running(int max);

    /** Claims a running job that no instance owns, for {@link LeasedWork#LEASE}; empty if there is none. */
    Mono<Claim> claim(Set<String> kinds);

    /** Renews the lease. Like the methods below, does nothing after the end of the claim. */
    Mono<Void> renew(Claim claim);

    /** Stores the total, and renews the lease. */
    Mono<Void> counted(Claim claim, long total);

    /** Ends the lease, so that any instance may claim the job at once. */
    Mono<Void> release(Claim claim);

    /** Marks the job as failed. */
    Mono<Void> fail(Claim claim, String problem);

    /**
     * The result of a request for a job.
     *
     * @param fresh whether this request started the job; otherwise it was already running
     */
    record Started(boolean fresh, Job job) {}
}
