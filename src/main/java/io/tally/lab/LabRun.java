package io.tally.lab;

import io.tally.job.Job.State;
import java.time.Instant;
import java.util.UUID;
import org.jspecify.annotations.Nullable;

/**
 * An experiment that was asked for, as it stands.
 *
 * @param stopping whether somebody asked it to stop
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
     * What was measured: callers were asked, and the table was.
     *
     * @param acknowledged how many increments the callers were told of as done
     * @param stored how many the table held in the end
     * @param duplicateRows how many rows there were in the end beyond one for each counter
     * @param errors how many increments the callers were told of as failed
     * @param retries how often something was sent again
     * @param seconds from the first increment to the last answer
     * @param p50Ms of the time of acknowledged increments, retries included; {@code null} where there was none
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
