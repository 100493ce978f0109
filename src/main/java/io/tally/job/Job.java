package io.tally.job;

import io.tally.counter.Labels;
import java.time.Instant;
import java.util.UUID;
import org.jspecify.annotations.Nullable;

/**
 * The state of long work on the counters of a namespace.
 *
 * @param kind the name of its {@link JobKind}
 * @param done how many counters are done; never falls
 * @param total how many there are, as far as is known; when the job is done, as many as were done
 * @param finishedAt {@code null} while it runs
 * @param problem a sentence for people; {@code null} unless it failed
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

    /** Where long work is in its life: a job, or a run of the lab. */
    public enum State {
        /** An instance works on it, or will. */
        RUNNING,
        /** All of it was done. */
        DONE,
        /** It met what trying again does not mend. */
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

    /** Whether it changes no more. */
    public boolean isFinished() {
        return state != State.RUNNING;
    }
}
