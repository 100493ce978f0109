package io.tally.lab;

import io.tally.counter.KeyedRequest;
import io.tally.idempotency.IdempotentResult;
import io.tally.lab.LabRun.Result;
import java.time.Duration;
import java.util.List;
import java.util.UUID;
import org.jspecify.annotations.Nullable;
import reactor.core.publisher.Mono;

/** Where runs are kept, so that any instance can show them. Fails with {@link io.tally.pipeline.StoreFailure} only. */
public interface LabStore {

    /** How long a run is one instance's without a word. Many times what is between two words. */
    Duration LEASE = Duration.ofSeconds(10);

    /**
     * Starts a run, unless one runs. Cancelling gives up the answer, never the run.
     *
     * @param request {@code null} to start one each time
     */
    Mono<IdempotentResult<Started>> start(Experiment experiment, @Nullable KeyedRequest request);

    /** A run; empty where there is none. */
    Mono<LabRun> find(UUID id);

    /** Those that are kept, the latest first. */
    Mono<List<LabRun>> list();

    /**
     * Asks a run to stop, if it runs. The run as it is then; empty where there is none. Cancelling gives up the answer
     * only.
     */
    Mono<LabRun> stop(UUID id);

    /** Takes on the running run, where nobody works on it, for the time of a lease; empty where there is none. */
    Mono<Claim> claim();

    /** Says how many increments are done, and prolongs the lease. */
    Mono<Standing> progress(Claim claim, long done);

    /** Ends the run, and says whether it did: where the claim has ended it does nothing. */
    Mono<Boolean> end(Claim claim, long done, Ending ending);

    /**
     * What came of a request for a run.
     *
     * @param fresh whether the run was started by this request; else it is the one that runs
     */
    record Started(boolean fresh, LabRun run) {}

    /**
     * A run that one instance has taken on for a while.
     *
     * @param number which of all claims on the run this is; a later one ends this
     */
    record Claim(LabRun run, long number) {

        /** Whether nobody has begun with the run: one that was begun cannot be gone on with. */
        boolean isFresh() {
            return number == 1;
        }
    }

    /** What a claim is worth. */
    enum Standing {
        /** The run goes on. */
        GOES_ON,
        /** Somebody asked it to stop. */
        STOPPING,
        /** It is another's, or has ended. */
        LOST
    }

    /** How a run ended. */
    sealed interface Ending {
        /** All was measured. */
        record Done(Result result) implements Ending {}

        /** Nothing can be said, and why. */
        record Failed(String problem) implements Ending {}

        /** Somebody stopped it. */
        record Cancelled() implements Ending {}
    }
}
