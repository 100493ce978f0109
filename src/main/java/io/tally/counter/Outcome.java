package io.tally.counter;

import java.time.Duration;
import java.time.Instant;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** The outcome of an operation or of a read. */
public sealed interface Outcome {

    OutcomeCategory category();

    /** An applied operation, or a state that was read. */
    sealed interface Success extends Outcome {
        @Override
        default OutcomeCategory category() {
            return OutcomeCategory.APPLIED;
        }
    }

    /** An increment: the value and the version after exactly this one. */
    record Incremented(long value, long version, long delta) implements Success {}

    /**
     * An increment of which the part that fits was applied.
     *
     * @param applied the value and the version after it, and the delta that was added, which may be 0
     */
    record IncrementedAtMost(Incremented applied) implements Success {}

    /** The counter did not exist and this operation created it. */
    record Created(Counter counter) implements Success {}

    /** The counter as it is. */
    record Found(Counter counter) implements Success {}

    /** The counter after the change. */
    record Amended(Counter counter) implements Success {}

    /** The counter existed and was removed. */
    record Deleted() implements Success {}

    /**
     * A counter whose stored state is that of the current time.
     *
     * @param changed whether this operation changed it
     */
    record Swept(boolean changed) implements Success {}

    /**
     * A join or leave, with or without effect.
     *
     * @param member whether it is a member now
     * @param moved whether the operation changed that
     * @param value the counter's value after exactly this operation; 0 if there is no counter
     * @param version the version of that value
     */
    record Moved(boolean member, boolean moved, long value, long version) implements Success {}

    /** All increments of a transaction, in its order. */
    record TransactionApplied(List<Incremented> results) implements Success {
        /** Copies the list. */
        public TransactionApplied {
            results = List.copyOf(results);
        }
    }

    /** A replay: an earlier request with the same key had this outcome. This request changed nothing. */
    record Replayed(Success original) implements Outcome {
        @Override
        public OutcomeCategory category() {
            return OutcomeCategory.REPLAYED;
        }
    }

    /** A dry run: the operation would have this outcome. The dry run changed nothing. */
    record DryRun(Success expected) implements Outcome {
        @Override
        public OutcomeCategory category() {
            return expected.category();
        }
    }

    /** A refused operation, which changed nothing. */
    sealed interface Refusal extends Outcome {
        @Override
        default OutcomeCategory category() {
            return OutcomeCategory.REJECTED;
        }
    }

    /** The counter does not exist. */
    record NotFound() implements Refusal {}

    /**
     * The precondition was false.
     *
     * @param version the version found, or {@code null} if there is no such counter
     */
    record PreconditionFailed(@Nullable Long version) implements Refusal {}

    /**
     * The value would have exceeded a bound.
     *
     * @param end the exceeded bound
     * @param limit the value of the bound
     * @param value the current value, which stays unchanged
     * @param renewal {@code null} if the counter has no period
     */
    record BoundExceeded(
            End end, long limit, long value, @Nullable Renewal renewal) implements Refusal {

        /** A refusal by a counter without periods. */
        public BoundExceeded(End end, long limit, long value) {
            this(end, limit, value, null);
        }

        /**
         * The end of the current period.
         *
         * @param in the time until then; {@code null} if the next period has no room for the operation, either
         */
        public record Renewal(Instant end, @Nullable Duration in) {}

        /** The end of a counter's range. */
        public enum End {
            /** The minimum. */
            MIN,
            /** The maximum. */
            MAX
        }
    }

    /** The change would make the range empty: {@code min} would be greater than {@code max}. */
    record BoundsInverted(long min, long max) implements Refusal {}

    /**
     * The change would leave the initial value outside of the bounds.
     *
     * @param initial the initial value after the change
     * @param bounds the bounds after the change
     */
    record InitialExcluded(long initial, Bounds bounds) implements Refusal {}

    /** The new time of expiry is not in the future. */
    record ExpiryPassed(Instant expiresAt) implements Refusal {}

    /** The kind of the counter does not support the operation. */
    record WrongKind(Kind kind) implements Refusal {}

    /**
     * The counter has too many members to delete it with all of them in one transaction.
     *
     * @param limit the maximum of members of a counter that can be deleted
     * @param value the number of its members
     */
    record TooManyMembers(long limit, long value) implements Refusal {}

    /**
     * The transaction was refused because of one increment.
     *
     * @param item the index of the increment, from 0
     * @param cause the refusal of the increment, after the increments before it
     */
    record TransactionRefused(int item, CounterId counter, Refusal cause) implements Refusal {
        @Override
        public OutcomeCategory category() {
            return cause.category();
        }
    }

    /** The counters of a transaction are in different shards. */
    record CrossShard() implements Refusal {}

    /** An earlier request with another content used the key. */
    record KeyReused() implements Refusal {}

    /** A constraint that an operator added to the database rejected this operation. */
    record ConstraintViolated() implements Refusal {}

    /** The queue was full, or the operation exceeded its time-out in the queue. */
    record Overloaded() implements Refusal {
        @Override
        public OutcomeCategory category() {
            return OutcomeCategory.REFUSED;
        }
    }

    /** The database is unavailable, or this instance is shutting down. */
    record StoreUnavailable() implements Refusal {
        @Override
        public OutcomeCategory category() {
            return OutcomeCategory.REFUSED;
        }
    }

    /** The operation was sent and its outcome is unknown: it was applied once or not at all. */
    record Unknown() implements Outcome {
        @Override
        public OutcomeCategory category() {
            return OutcomeCategory.FAILED;
        }
    }
}
