package io.tally.job;

import io.tally.counter.Labels;
import java.time.Instant;
import java.util.UUID;
import org.jspecify.annotations.Nullable;

/**
 * The state of long work on the counters of a namespace.
 *
 * @param kind the name of its {@link JobKind}
 * @param done the number of processed counters; never decreases
 * @param total the estimated number of counters; equals {@code done} at the end
 * @param finishedAt {@code null} while it runs
 * @param problem the reason of a failure, for people; {@code null} unless it failed
 */
public record Job(
        UUID id,
        String kind,
        String namespace,
        State state,
        long done,
        @Nullable Long total,
        Instant startedAt,
        @Nullable Instant finishedAt,
        @Nullable String problem) {

    /** The state of long work: of a job or a run of the lab. */
    public enum State {
        /** An instance works on it, or will claim it. */
        RUNNING,
        /** It completed. */
        DONE,
        /** It ended with an error that a retry does not resolve. */
        FAILED,
        /** A run of the lab that a client stopped, or a job that an operator ended in the database. */
        CANCELLED;

        /** The name in the database and in responses. */
        public String label() {
            return Labels.label(this);
        }

        /** The state with that label. */
        public static State of(String label) {
            return Labels.parse(values(), "state", label);
        }
    }

    /** Whether the state is final. */
    public boolean isFinished() {
        return state != State.RUNNING;
    }
}
