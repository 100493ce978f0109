package io.tally.pipeline;

import io.tally.counter.CounterId;
import io.tally.counter.IdempotencyKey;
import io.tally.counter.MemberId;
import java.time.Duration;
import java.util.Collection;
import java.util.List;
import org.jspecify.annotations.Nullable;
import reactor.core.publisher.Mono;

/**
 * The store of counters. Every {@code Mono} is cold and fails with {@link StoreFailure} only; it completes on one of
 * the database's event loops.
 */
public interface CounterStore {

    /**
     * The write side of one lane, with a dedicated connection that it opens on demand and after a loss. Used by one
     * subscriber at a time.
     */
    Writes writes(int lane);

    /**
     * The stored counters among these, each no older than the subscription, and the time of the read. On a pooled
     * connection; safe for concurrent subscriptions.
     */
    Mono<StoredState> read(Collection<CounterId> ids);

    /** The maximum time until a call of this store, or of its write sides, completes or fails. */
    Duration callMax();

    /** See {@link CounterStore#writes}. */
    interface Writes {

        /** Registers a new writer with sequence 0 and empty books, and returns its id. */
        Mono<Long> register();

        /**
         * Adds to plain counters, and creates absent ones unless a sum needs an existing one. One atomic statement,
         * applied only if the writer's row has the sequence before the fence. Completes after the commit is durable.
         *
         * <p>Adds the sums first, then the increments with unknown keys in order, and stores these keys. Leaves out
         * counters that have another kind or a value beyond {@link Sum#VALUE_MAX}, those whose bounds a value of the
         * group could exceed, and those whose period is over or that have expired.
         *
         * @param keyed increments with distinct keys
         */
        Mono<Added> add(Fence fence, List<Sum> sums, List<Keyed> keyed);

        /**
         * The state of the rows in the database, without a lock: the counters of one moment, and the idempotency
         * records of the same moment or later. Never from a replica.
         */
        Mono<StoredState> read(ReadSet rows);

        /**
         * Locks the counters, calls the decision and writes its result, in one transaction, only if the writer's row
         * has the sequence before the fence. An empty decision writes nothing and does not use the fence. The decision
         * may be called more than once; only the last result was applied.
         *
         * @param readSet the rows that the decision depends on
         */
        Mono<Resolution> resolve(Fence fence, ReadSet readSet, Decision decision);

        /**
         * Adds and removes members, and changes their counters by the actual changes. One atomic statement, applied
         * only if the writer's row has the sequence before the fence. Completes after the commit is durable.
         *
         * <p>Leaves out counters that do not exist or have another kind. Also leaves out leaves from a counter that
         * another writer changed concurrently, since the statement cannot see whether these were members.
         *
         * @param counters distinct counters
         * @param moves joins and leaves of these counters; each member once
         */
        Mono<MoveResult> move(Fence fence, List<CounterId> counters, List<MemberMove> moves);

        /**
         * Resolves a batch in doubt. Waits for a transaction of the lost connection that is still running. A batch that
         * was not committed can never commit afterwards, since the fence is used up in both cases.
         */
        Mono<Settlement> settle(Fence fence);

        /** Adds the books of a finished writer to the row of former writers. */
        Mono<Void> retire(long writer);

        /**
         * Probes the connection if it has been silent for some seconds, and replaces a connection that does not
         * respond. May be subscribed to at any time. A call that begins meanwhile waits at most a second, plus the time
         * for opening a connection. Fails if the database cannot be reached.
         */
        Mono<Void> probe();

        /** Closes the connection, if there is one. */
        Mono<Void> close();
    }

    /**
     * The fencing token of batch {@code sequence} of {@code writer}: the batch can commit once, after batch {@code
     * sequence - 1}.
     */
    record Fence(long writer, long sequence) {}

    /**
     * The sum that a batch adds to one counter.
     *
     * @param delta of a magnitude of {@link #VALUE_MAX} at most
     * @param operations the number of operations in the sum; 0 if the counter has only keyed ones
     * @param reach {@code null} if no operation on the counter, keyed ones included, has a sign other than the others:
     *     then the value moves in one direction
     * @param existing whether the sum is left out if the counter does not exist
     */
    record Sum(
            CounterId counter,
            long delta,
            int operations,
            @Nullable Reach reach,
            boolean existing) {
        /**
         * Half the range of 64 bits. Sums and the values before them stay within it. So no intermediate value of a
         * batch can exceed 64 bits, even if the final sum would not.
         */
        public static final long VALUE_MAX = 1L << 62;

        /** A sum that creates an absent counter. */
        public Sum(CounterId counter, long delta, int operations, @Nullable Reach reach) {
            this(counter, delta, operations, reach, false);
        }

        /** The same of operations of one sign. */
        public Sum(CounterId counter, long delta, int operations) {
            this(counter, delta, operations, null);
        }
    }

    /**
     * How far the operations of a batch can move a counter meanwhile. Keyed ones may be known: so of these, the range
     * has all that lower the value and all that raise it.
     *
     * @param lowest the lowest change, 0 or less
     * @param highest the highest change, 0 or more
     */
    record Reach(long lowest, long highest) {}

    /**
     * An increment with an idempotency key.
     *
     * @param sum the index of the counter's sum in the list of sums
     */
    record Keyed(int sum, IdempotencyKey key, long fingerprint, long delta) {}

    /**
     * A join or leave.
     *
     * @param counter the index in the list of counters
     */
    record MemberMove(int counter, MemberId member, boolean joins) {}

    /**
     * The result of joins and leaves.
     *
     * @param values the values after all of them, in the order of the counters; {@code null} for a counter that was
     *     left out
     * @param moved whether each move changed the membership, in the order of the moves; {@code null} for a move that
     *     was left out
     */
    record MoveResult(List<@Nullable VersionedValue> values, List<@Nullable Boolean> moved) {}

    /** The value and version of a counter after a sum was added. */
    record VersionedValue(long value, long version) {}

    /**
     * The record of a key.
     *
     * @param after the value after the increment of the key
     * @param known the fingerprint stored before; {@code null} if this batch applied the increment
     */
    record KeyedValue(VersionedValue after, @Nullable Long known) {
        /** The record as a later request with the key finds it. */
        KeyedValue knownAs(long fingerprint) {
            return new KeyedValue(after, fingerprint);
        }
    }

    /**
     * The result of sums and keyed increments.
     *
     * @param values in the order of the sums; {@code null} for a sum that was left out or has no operation
     * @param keyed in the order of the keyed increments; {@code null} for one that was left out
     */
    record Added(List<@Nullable VersionedValue> values, List<@Nullable KeyedValue> keyed) {}

    /** A pure function from the locked state to a resolution. */
    interface Decision {
        /** Decides; {@code states} lacks the counters that do not exist. */
        Resolution decide(StoredState states);
    }

    /** The outcome of a batch in doubt. */
    sealed interface Settlement {
        /**
         * The batch was committed.
         *
         * @param added the stored result, for a batch of increments
         * @param moves the stored result, for a batch of joins and leaves; the lane itself holds the result of a
         *     resolved batch
         */
        record Committed(Added added, MoveResult moves) implements Settlement {}

        /** The batch was not committed, and cannot commit any more. */
        record NotCommitted() implements Settlement {}

        /** The row of the writer is gone, so the outcome stays unknown. */
        record WriterGone() implements Settlement {}
    }
}
