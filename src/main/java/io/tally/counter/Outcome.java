package io.tally.counter;

import java.util.List;
import org.jspecify.annotations.Nullable;

/** The outcome of an operation or of a read. */
public sealed interface Outcome {

    OutcomeCategory category();

    /** Something that was done, or a state that was found. */
    sealed interface Success extends Outcome {
        @Override
        default OutcomeCategory category() {
            return OutcomeCategory.APPLIED;
        }
    }

    /** An increment: the value and the version after exactly this one. */
    record Incremented(long value, long version, long delta) implements Success {}

    /** The counter did not exist and this operation created it. */
    record Created(Counter counter) implements Success {}

    /** The counter as it is. */
    record Found(Counter counter) implements Success {}

    /** The counter after the change. */
    record Amended(Counter counter) implements Success {}

    /** The counter existed and was removed. */
    record Deleted() implements Success {}

    /**
     * A member came or went, or was there or away already.
     *
     * @param member whether it is a member now
     * @param moved whether it was not as it is now
     * @param value of the counter after exactly this; 0 where there is none
     * @param version that belongs to it
     */
    record Moved(boolean member, boolean moved, long value, long version) implements Success {}

    /** All increments of a transaction, in its order. */
    record TransactionApplied(List<Incremented> results) implements Success {
        /** Copies the list. */
        public TransactionApplied {
            results = List.copyOf(results);
        }
    }

    /** A replay: the same request was done before under the same key, with this outcome. Now nothing was done. */
    record Replayed(Success original) implements Outcome {
        @Override
        public OutcomeCategory category() {
            return OutcomeCategory.REPLAYED;
        }
    }

    /** Nothing was done. */
    sealed interface Refusal extends Outcome {
        @Override
        default OutcomeCategory category() {
            return OutcomeCategory.REJECTED;
        }
    }

    /** The counter does not exist. */
    record NotFound() implements Refusal {}

    /**
     * The precondition did not hold.
     *
     * @param version the version found, or {@code null} where there is no such counter
     */
    record PreconditionFailed(@Nullable Long version) implements Refusal {}

    /**
     * The value would have passed a bound.
     *
     * @param end which one
     * @param limit the bound
     * @param value the value found, which stays as it is
     */
    record BoundExceeded(End end, long limit, long value) implements Refusal {
        /** The end of a counter's range. */
        public enum End {
            /** The least value. */
            MIN,
            /** The greatest value. */
            MAX
        }
    }

    /** The bounds that a change would leave are no range: {@code min} would be greater than {@code max}. */
    record BoundsInverted(long min, long max) implements Refusal {}

    /** The counter is of another kind than the operation needs. */
    record WrongKind(Kind kind) implements Refusal {}

    /**
     * The counter cannot be removed, since all its members would have to go in one transaction.
     *
     * @param limit the most members a counter to be removed may have
     * @param value how many it has
     */
    record TooManyMembers(long limit, long value) implements Refusal {}

    /**
     * One increment of a transaction was refused, and so all of it.
     *
     * @param item its place in the transaction, from 0
     * @param cause with what it found there, after the increments before it
     */
    record TransactionRefused(int item, CounterId counter, Refusal cause) implements Refusal {
        @Override
        public OutcomeCategory category() {
            return cause.category();
        }
    }

    /** The key was used before for another request. */
    record KeyReused() implements Refusal {}

    /** A constraint that an operator added to the database refused this one operation. */
    record ConstraintViolated() implements Refusal {}

    /** The queue was full, or the operation waited too long in it. */
    record Overloaded() implements Refusal {
        @Override
        public OutcomeCategory category() {
            return OutcomeCategory.REFUSED;
        }
    }

    /** The database was away, or this instance is stopping. */
    record StoreUnavailable() implements Refusal {
        @Override
        public OutcomeCategory category() {
            return OutcomeCategory.REFUSED;
        }
    }

    /** The operation was sent and its outcome is unknown: it may have been applied, once at most. */
    record Unknown() implements Outcome {
        @Override
        public OutcomeCategory category() {
            return OutcomeCategory.FAILED;
        }
    }
}
