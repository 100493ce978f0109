package io.tally.lab;

import io.tally.counter.KeyedRequest;
import io.tally.idempotency.IdempotentResult;
import io.tally.job.LeasedWork;
import io.tally.lab.LabRun.Result;
import java.util.List;
import java.util.UUID;
import org.jspecify.annotations.Nullable;
import reactor.core.publisher.Mono;

/** Where runs are kept, so that any instance can show them. Fails with {@link io.tally.pipeline.StoreFailure} only. */
public interface LabStore {

    /**
     * Starts a run, unless one runs. Cancelling gives up the answer, never the run.
     *
     * @param request {@code null} to start one each time
     */
    Mono<IdempotentResult<Started>> start(Experiment experiment, @Nullable KeyedRequest request);

    /** A run; empty if there is none. */
    Mono<LabRun> find(UUID id);

    /** Those that are kept, the latest first. */
    Mono<List<LabRun>> list();

    /**
     * Asks a run to stop, if it runs. The run as it is then; empty if there is none. Cancelling gives up the answer
     * only.
     */
    Mono<LabRun> stop(UUID id);

    /** Claims the running run where no instance owns it, for {@link LeasedWork#LEASE}; empty if there is none. */
    Mono<Claim> claim();

    /** Stores how many increments are done, and renews the lease. */
    Mono<ClaimState> progress(Claim claim, long done);

    /** Ends the run; {@code false} where the claim had ended, and nothing is changed. */
    Mono<Boolean> end(Claim claim, long done, Ending ending);

    /**
     * The result of a request for a run.
     *
     * @param fresh whether the run was started by this request; else it is the one that runs
     */
    record Started(boolean fresh, LabRun run) {}

    /**
     * A run that one instance owns by a lease.
     *
     * @param number which of all claims on the run this is; a later one ends this
     */
    record Claim(LabRun run, long number) {

        /** Whether no instance has begun the run: one that was begun cannot be continued. */
        boolean isFresh() {
            return number == 1;
        }
    }

    /** Whether a claim still holds. */
    enum ClaimState {
        /** The instance owns the run. */
        ACTIVE,
        /** The instance owns the run, and a client requested its stop. */
        STOP_REQUESTED,
        /** Another instance owns the run, or it has ended. */
        LOST
    }

    /** How a run ended. */
    sealed interface Ending {
        /** All was measured. */
        record Done(Result result) implements Ending {}

        /** There is no result, and why. */
        record Failed(String problem) implements Ending {}

        /** A client stopped it. */
        record Cancelled() implements Ending {}
    }
}
