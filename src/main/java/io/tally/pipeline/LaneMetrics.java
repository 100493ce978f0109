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
        /** Members that come and go, in one statement. */
        MEMBERS
    }

    /** How a commit of unknown outcome ended. */
    enum Recovery {
        /** The writer's row shows that it was committed. */
        FOUND_COMMITTED,
        /** The row shows that it was not, and the batch was sent again. */
        SENT_AGAIN,
        /** The row could not be read in time. */
        GIVEN_UP
    }

    /** An operation left the queue of a lane after that long. */
    default void waited(int lane, long nanos) {}

    /** A batch was committed. */
    default void written(int lane, Path path, int operations, int counters, long nanos) {}

    /**
     * The books of memory: operations that the database said are durable.
     *
     * @param magnitude the sum of what they added or took away, without sign
     */
    default void acknowledged(int lane, long operations, double magnitude) {}

    /**
     * Callers got an outcome of that category.
     *
     * @param operation one of their operations, for its kind
     */
    default void recordOutcome(Operation operation, OutcomeCategory category, long count) {}

    /** A batch is retried. */
    default void retried(StoreFailure.Cause cause) {}

    /** The outcome of a commit is unknown. */
    default void commitUnknown() {}

    /** A commit of unknown outcome ended so. */
    default void recovered(Recovery recovery) {}

    /** So many keys were removed after their retention. */
    default void pruned(long keys) {}
}
