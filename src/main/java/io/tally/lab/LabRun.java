package io.tally.lab;

import io.tally.job.Job.State;
import java.time.Instant;
import java.util.UUID;
import org.jspecify.annotations.Nullable;

/**
 * The state of an experiment that a client requested.
 *
 * @param stopping whether a client requested its stop
 * @param done the number of completed increments, successful or not; never decreases
 * @param finishedAt {@code null} while it runs
 * @param result {@code null} unless it is done
 * @param problem the reason of a failure, for people; {@code null} unless it failed
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
     * The measurement: the outcomes of the increments and the content of the table.
     *
     * @param acknowledged the number of successful increments
     * @param stored the number of increments in the table at the end
     * @param duplicateRows the number of surplus rows of counters at the end
     * @param errors the number of failed increments
     * @param retries the number of retries
     * @param seconds from the first increment to the last outcome
     * @param p50Ms the median latency of acknowledged increments, retries included; {@code null} without one
     * @param p99Ms the 99th percentile of the same latency
     * @param timedOut whether the time limit ended the run before its last increment
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
         * Acknowledged increments that are not stored. Negative if more are stored than were acknowledged.
         */
        public long lost() {
            return acknowledged - stored;
        }

        /** Acknowledged increments per second. */
        public double perSecond() {
            return acknowledged / seconds;
        }
    }

    /** Whether the state is final. */
    boolean isFinished() {
        return state != State.RUNNING;
    }
}
