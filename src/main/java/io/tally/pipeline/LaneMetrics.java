package io.tally.pipeline;

import io.tally.counter.Operation;
import io.tally.counter.OutcomeCategory;

/**
 * Metrics of the pipeline, each ignored by default. Called on the hot path, from many threads: cheap, and never
 * blocking.
 */
public interface LaneMetrics {

    /** The way a batch was written. */
    enum Path {
        /** Sums, in one statement. */
        FAST,
        /** Sums and keyed increments, in one statement. */
        KEYED,
        /** Decisions under lock. */
        CONDITIONAL,
        /** Joins and leaves of members, in one statement. */
        MEMBERS,
        /** Refusals by a state that was read; nothing was written. */
        READ
    }

    /** The resolution of a batch in doubt. */
    enum Recovery {
        /** The writer's row shows that the batch was committed. */
        FOUND_COMMITTED,
        /** The row shows that the batch was not committed, and the lane sent it again. */
        SENT_AGAIN,
        /** The lane could not read the row before the time-out. */
        GIVEN_UP
    }

    /** An operation left the queue of a lane after that long. */
    default void waited(int lane, long nanos) {}

    /** A batch was committed. */
    default void written(int lane, Path path, int operations, int counters, long nanos) {}

    /**
     * Operations were committed durably.
     *
     * @param magnitude the sum of their absolute deltas
     */
    default void acknowledged(int lane, long operations, double magnitude) {}

    /**
     * Callers got an outcome of that category.
     *
     * @param operation one of the operations, for its kind
     */
    default void recordOutcome(Operation operation, OutcomeCategory category, long count) {}

    /** A batch is retried. */
    default void retried(StoreFailure.Cause cause) {}

    /** The outcome of a commit is unknown. */
    default void commitUnknown() {}

    /** A batch in doubt was resolved. */
    default void recovered(Recovery recovery) {}

    /** Keys were removed after their retention. */
    default void pruned(long keys) {}
}
