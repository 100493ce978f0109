package io.tally.pipeline;

import io.tally.counter.Counter;
import io.tally.counter.CounterId;
import io.tally.counter.IdempotencyKey;
import io.tally.counter.MemberId;
import java.time.Duration;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import reactor.core.publisher.Mono;

/**
 * Where counters are kept. Every {@code Mono} is cold and fails with {@link StoreFailure} only; it completes on one of
 * the database's event loops.
 */
public interface CounterStore {

    /**
     * The write side of one lane, with a connection of its own that it makes when needed and again when lost. Used by
     * one subscriber at a time.
     */
    Writes writes(int lane);

    /**
     * The counters of these identities that exist, each no older than the moment of subscription. On a pooled
     * connection; may be subscribed to many times at once.
     */
    Mono<Map<CounterId, Counter>> read(Collection<CounterId> ids);

    /** The longest that one call of this store, or of its write sides, takes to complete or fail. */
    Duration callMax();

    /** See {@link CounterStore#writes}. */
    interface Writes {

        /** Makes a new writer, whose sequence is 0 and whose books are empty, and gives its identity. */
        Mono<Long> register();

        /**
         * Adds to unbounded plain counters, making those that are absent: one statement, applied wholly or not at all,
         * and only where the writer stands just before the fence. Completes after the commit is durable.
         *
         * <p>Adds first the sums, then, in their order, the increments whose keys are not known, which it remembers.
         * Counters that are bounded, of another kind or beyond {@link Sum#VALUE_MAX} are left out.
         *
         * @param keyed each under a key of its own
         */
        Mono<Added> add(Fence fence, List<Sum> sums, List<Keyed> keyed);

        /**
         * Locks the counters, has the decision made and writes what it says, in one transaction, only where the writer
         * stands just before the fence. A decision that is empty writes nothing and leaves the fence unused. The
         * decision may be asked for more than once; only the last one given was carried out.
         *
         * @param lockSet what the decision depends on
         */
        Mono<Resolution> resolve(Fence fence, LockSet lockSet, Decision decision);

        /**
         * Has members come and go, and moves their counters by those who really did: one statement, applied wholly or
         * not at all, and only where the writer stands just before the fence. Completes after the commit is durable.
         *
         * <p>Leaves out counters that do not exist or are of another kind; and members that leave a counter which
         * another writer changed meanwhile, since the statement cannot know whether they were members.
         *
         * @param counters each once
         * @param moves of these counters; each member once
         */
        Mono<MoveResult> move(Fence fence, List<CounterId> counters, List<MemberMove> moves);

        /**
         * Finds out whether a batch whose answer was lost was committed, waiting for a transaction of a lost connection
         * that is still running; a batch found not committed can never commit any more. Either way the fence is used
         * up.
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
     * @param operations how many operations it stands for; 0 where the counter has keyed ones only
     */
    record Sum(CounterId counter, long delta, int operations) {
        /**
         * Half the range of 64 bits. Sums stay within, and so do the values they are added to, so that no operation of
         * a batch can pass 64 bits on the way, even where the sum does not.
         */
        public static final long VALUE_MAX = 1L << 62;
    }

    /**
     * An increment that is made once under its key.
     *
     * @param sum the place of the counter's sum in the list of sums
     */
    record Keyed(int sum, IdempotencyKey key, long fingerprint, long delta) {}

    /**
     * A member that comes or goes.
     *
     * @param counter whose, by its place in the list of counters
     */
    record MemberMove(int counter, MemberId member, boolean joins) {}

    /**
     * What came of moves.
     *
     * @param values after all of them, in the order of the counters; {@code null} if one was left out
     * @param moved whether it was not as it is now, in the order of the moves; {@code null} if one was left out
     */
    record MoveResult(List<@Nullable VersionedValue> values, List<@Nullable Boolean> moved) {}

    /** The value and version of a counter after a sum was added. */
    record VersionedValue(long value, long version) {}

    /**
     * What is stored under a key.
     *
     * @param after the value after the increment that was made under it
     * @param known the fingerprint stored before; {@code null} if this batch made the increment
     */
    record KeyedValue(VersionedValue after, @Nullable Long known) {
        /** The same for whoever comes with the key next. */
        KeyedValue knownAs(long fingerprint) {
            return new KeyedValue(after, fingerprint);
        }
    }

    /**
     * What came of sums and of keyed increments.
     *
     * @param values in the order of the sums; {@code null} if one was left out or stands for no operation
     * @param keyed in their order; {@code null} if one was left out
     */
    record Added(List<@Nullable VersionedValue> values, List<@Nullable KeyedValue> keyed) {}

    /** A pure function from the states found to what shall be. */
    interface Decision {
        /** Decides; {@code states} lacks the counters that do not exist. */
        Resolution decide(LockedState states);
    }

    /** What became of a batch. */
    sealed interface Settlement {
        /**
         * It was committed.
         *
         * @param added what was stored with it, of a batch that added
         * @param moves what was stored with it, of a batch that moved members; of one that was resolved, its lane holds
         *     the decision
         */
        record Committed(Added added, MoveResult moves) implements Settlement {}

        /** It was not, and will not be. */
        record NotCommitted() implements Settlement {}

        /** There is no such writer any more: nobody can tell. */
        record WriterGone() implements Settlement {}
    }
}
