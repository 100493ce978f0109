package io.tally.pipeline;

import io.tally.counter.Operation;
import io.tally.counter.Outcome.Verdict;

/**
 * Metrics of the pipeline. Called on the hot path, from many threads: cheap, and never blocking.
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
        /** The writer's row said it was committed. */
        FOUND_COMMITTED,
        /** It said it was not, and the batch was sent again. */
        SENT_AGAIN,
        /** It could not be read in time. */
        GIVEN_UP
    }

    /** An operation left the queue of a lane after that long. */
    void waited(int lane, long nanos);

    /** A batch was committed. */
    void written(int lane, Path path, int operations, int counters, long nanos);

    /**
     * The books of memory: operations that the database said are durable.
     *
     * @param magnitude the sum of what they added or took away, without sign
     */
    void acknowledged(int lane, long operations, double magnitude);

    /**
     * Callers were told.
     *
     * @param operation what they asked for; any of them stands for its kind
     */
    void recordOutcome(Operation operation, Verdict verdict, long count);

    /** A batch is sent again. */
    void retried(StoreFailure.Cause cause);

    /** An answer was lost in flight. */
    void commitUnknown();

    /** What became of it. */
    void recovered(Recovery recovery);

    /** So many keys were removed after their retention. */
    void pruned(long keys);
}
