package io.tally.lab;

import io.tally.counter.KeyedRequest;
import io.tally.idempotency.IdempotentResult;
import io.tally.job.LeasedWork;
import io.tally.lab.LabRun.Result;
import java.util.List;
import java.util.UUID;
import org.jspecify.annotations.Nullable;
import reactor.core.publisher.Mono;

/** The store of runs, shared by all instances. Fails with {@link io.tally.pipeline.StoreFailure} only. */
public interface LabStore {

    /**
     * Starts a run, unless one is active. Cancelling drops the result, not the run.
     *
     * @param request {@code null} to start a run each time
     */
    Mono<IdempotentResult<Started>> start(Experiment experiment, @Nullable KeyedRequest request);

    /** A run; empty if there is none. */
    Mono<LabRun> find(UUID id);

    /** The stored runs, the latest first. */
    Mono<List<LabRun>> list();

    /**
     * Requests the stop of a run, if it is active, and returns its state; empty if there is no such run. Cancelling
     * drops only the result.
     */
    Mono<LabRun> stop(UUID id);

    /** Claims the active run if no instance owns it, for {@link LeasedWork#LEASE}; empty if there is none. */
    Mono<Claim> claim();

    /** Stores the number of completed increments, and renews the lease. */
    Mono<ClaimState> progress(Claim claim, long done);

    /** Ends the run; {@code false}, without a change, if the claim had ended. */
    Mono<Boolean> end(Claim claim, long done, Ending ending);

    /**
     * The result of a request for a run.
     *
     * @param fresh whether this request started the run; otherwise it was already active
     */
    record Started(boolean fresh, LabRun run) {}

    /**
     * A run that one instance owns by a lease.
     *
     * @param number the sequence number of the claim on the run; a later claim fences this one
     */
    record Claim(LabRun run, long number) {

        /** Whether no instance has begun the run; a begun run cannot be resumed. */
        boolean isFresh() {
            return number == 1;
        }
    }

    /** The state of a claim. */
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
        /** The run completed. */
        record Done(Result result) implements Ending {}

        /** The run has no result, for the given reason. */
        record Failed(String problem) implements Ending {}

        /** A client stopped it. */
        record Cancelled() implements Ending {}
    }
}
