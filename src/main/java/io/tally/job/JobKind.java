package io.tally.job;

import reactor.core.publisher.Mono;

/**
 * One kind of long work, cut into steps. Used by one job at a time. Fails with {@link io.tally.pipeline.StoreFailure}
 * only.
 */
public interface JobKind {

    /** As stored with its jobs and shown. */
    String name();

    /** Counts what there is to do. May take long, and fail without harm. */
    Mono<Long> count(String namespace);

    /**
     * Does the next step, in one short transaction that moves the job's row, too, and does nothing unless the row is
     * where this claim saw it: so no step is done twice, even if several instances send it. The last step ends the
     * job.
     *
     * @return the claim after the step; empty if the job is no longer this claim's
     */
    Mono<Claim> step(Claim claim);

    /** Closes what it holds open. What comes next opens it again. */
    Mono<Void> close();
}
