package io.tally.job;

import reactor.core.publisher.Mono;

/**
 * One kind of long work, cut into steps. Used by one job at a time. Fails with {@link io.tally.pipeline.StoreFailure}
 * only.
 */
public interface JobKind {

    /** The name in the database and in responses. */
    String name();

    /** Counts the counters to process. May be slow; a failure is harmless. */
    Mono<Long> count(String namespace);

    /**
     * Does the next step in one short transaction, which also updates the row of the job. It does nothing unless the
     * row has the state of this claim. So no step is done twice, even if several instances send it. The last step ends
     * the job.
     *
     * @return the claim after the step; empty if another claim fenced this one
     */
    Mono<Claim> step(Claim claim);

    /** Closes its connections. The next step opens them again. */
    Mono<Void> close();
}
