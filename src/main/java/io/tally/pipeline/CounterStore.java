package io.tally.pipeline;

import io.tally.counter.Counter;
import io.tally.counter.CounterId;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import reactor.core.publisher.Mono;

/**
 * Where counters are kept. Every {@code Mono} is cold and fails with {@link StoreFailure} only; it completes on one of the
 * database's event loops.
 */
public interface CounterStore {

    /**
     * The write side of one lane, with a connection of its own that it makes when needed and again when lost. Used by one
     * subscriber at a time.
     */
    Writes writes(int lane);

    /**
     * The counters of these identities that exist, each no older than the moment of subscription. On a pooled connection;
     * may be subscribed to many times at once.
     */
    Mono<Map<CounterId, Counter>> read(Collection<CounterId> ids);

    /** See {@link CounterStore#writes}. */
    interface Writes {

        /** Makes a new writer, whose sequence is 0 and whose books are empty, and gives its identity. */
        Mono<Long> register();

        /**
         * Adds sums to unbounded plain counters, making those that are absent: one statement, applied wholly or not at
         * all, and only where the writer stands just before the fence. Completes after the commit is durable.
         *
         * <p>Sums for counters that are bounded, of another kind or beyond {@link Sum#VALUE_MAX} are left out.
         */
        Mono<Added> add(Fence fence, List<Sum> sums);

        /**
         * Locks the counters, has the decision made and writes what it says, in one transaction, only where the writer
         * stands just before the fence. A decision without changes writes nothing and leaves the fence unused. The
         * decision may be asked for more than once; only the last one given was carried out.
         */
        Mono<Resolution> resolve(Fence fence, List<CounterId> counters, Decision decision);

        /**
         * Finds out what became of a batch whose answer was lost, waiting for a transaction of a lost connection that is
         * still running; a batch found not committed can never commit any more. Either way the fence is used up.
         */
        Mono<Settlement> settle(Fence fence);

        /** Folds a writer that will write no more into the books of all the former ones. */
        Mono<Void> retire(long writer);

        /** Closes the connection, if there is one. */
        Mono<Void> close();
    }

    /**
     * The right to write batch {@code sequence} as {@code writer}: it may be written once, after batch
     * {@code sequence - 1}.
     */
    record Fence(long writer, long sequence) {}

    /**
     * What a batch adds to one counter.
     *
     * @param delta of a magnitude of {@link #VALUE_MAX} at most
     * @param operations how many operations it stands for, 1 at least
     */
    record Sum(CounterId counter, long delta, int operations) {
        /**
         * Half the range of 64 bits. Sums stay within, and so do the values they are added to, so that no operation of a
         * batch can pass 64 bits on the way, even where the sum does not.
         */
        public static final long VALUE_MAX = 1L << 62;
    }

    /** The value and version of a counter after a sum was added. */
    record Level(long value, long version) {}

    /**
     * What came of a list of sums.
     *
     * @param levels in the order of the sums; {@code null} where one was left out
     */
    record Added(List<@Nullable Level> levels) {}

    /** A pure function from the states found to what shall be. */
    interface Decision {
        /** Decides; {@code states} lacks the counters that do not exist. */
        Resolution decide(States states);
    }

    /** What became of a batch. */
    sealed interface Settlement {
        /**
         * It was committed.
         *
         * @param added what was stored with it; empty for a batch that was resolved, whose decision its lane holds
         */
        record Committed(Added added) implements Settlement {}

        /** It was not, and will not be. */
        record NotCommitted() implements Settlement {}

        /** There is no such writer any more: nobody can tell. */
        record WriterGone() implements Settlement {}
    }
}
