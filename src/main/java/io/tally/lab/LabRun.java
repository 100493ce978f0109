package io.tally.lab;

import io.tally.job.Job.State;
import java.time.Instant;
import java.util.UUID;
import org.jspecify.annotations.Nullable;

/**
 * The state of an experiment that a client requested.
 *
 * @param stopping whether a client requested its stop
 * @param done how many increments have been answered, one way or the other; never falls
 * @param finishedAt {@code null} while it runs
 * @param result {@code null} unless it is done
 * @param problem a sentence for people; {@code null} unless it failed
 */
public record LabRun(
        UUID id,
        Experiment experiment,
        State state,
        boolean stopping,
        long done,
        Instant startedAt,
        @Nullable Instant finishedAt,
        @Nullable Result result,
        @Nullable String problem) {

    /**
     * The measurement: what the callers got, and what the table held.
     *
     * @param acknowledged how many increments succeeded for their callers
     * @param stored how many the table held in the end
     * @param duplicateRows how many rows there were in the end beyond one for each counter
     * @param errors how many increments failed for their callers
     * @param retries how often something was sent again
     * @param seconds from the first increment to the last answer
     * @param p50Ms of the time of acknowledged increments, retries included; {@code null} if there was none
     * @param p99Ms of the same
     * @param timedOut whether the limit of time ended it, and not that of increments
     */
    public record Result(
            long acknowledged,
            long stored,
            long duplicateRows,
            long errors,
            long retries,
            double seconds,
            @Nullable Double p50Ms,
            @Nullable Double p99Ms,
            boolean timedOut) {

        /**
         * Acknowledged increments that are not stored. Less than 0 where more are stored than were acknowledged.
         */
        public long lost() {
            return acknowledged - stored;
        }

        /** Acknowledged increments a second. */
        public double perSecond() {
            return acknowledged / seconds;
        }
    }

    /** Whether it changes no more. */
    boolean isFinished() {
        return state != State.RUNNING;
    }
}
