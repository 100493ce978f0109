package io.tally.pipeline;

import io.tally.counter.Counter;
import io.tally.counter.CounterId;
import io.tally.counter.MemberId;
import io.tally.counter.Outcome;
import io.tally.idempotency.IdempotencyRecord;
import java.math.BigInteger;
import java.time.Instant;
import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * The decision on a list of operations: their outcomes and what to write.
 *
 * @param outcomes in the order of the operations
 * @param changes the counters that differ from the locked state
 * @param members the members that joined or left
 * @param records the idempotency records to store
 * @param operations the number of applied operations
 * @param magnitude the sum of the absolute changes of values
 */
public record Resolution(
        List<Outcome> outcomes,
        List<Change> changes,
        MemberChanges members,
        List<IdempotencyRecord> records,
        int operations,
        double magnitude) {

    /** Whether there is nothing to write. */
    public boolean isEmpty() {
        return operations == 0 && records.isEmpty();
    }

    /**
     * The members that left and joined, to be applied in this order.
     *
     * @param emptied counters that lose all members they had in the locked state
     * @param left members of other counters that left
     * @param joined members that joined, also those of {@code emptied}
     */
    public record MemberChanges(List<CounterId> emptied, List<MemberId> left, List<MemberId> joined) {

        /** Whether there is nothing to apply. */
        public boolean isEmpty() {
            return emptied.isEmpty() && left.isEmpty() && joined.isEmpty();
        }
    }

    /**
     * A counter before and after; {@code null} if it does not exist.
     *
     * @param before the stored state, whose period may be over
     * @param now the time of the change, by the database's clock
     */
    public record Change(
            CounterId counter,
            @Nullable Counter before,
            @Nullable Counter after,
            Instant now) {

        /** Whether another counter with the same name takes its place. */
        public boolean isRecreated() {
            return before != null && after != null && !before.createdAt().equals(after.createdAt());
        }

        /** Whether the counter goes, also if another one takes its place. */
        public boolean isRemoved() {
            return before != null && (after == null || isRecreated());
        }

        /** The counter at the end of a period in which operations were applied, and which has ended since. */
        public Optional<Counter> endedPeriod() {
            return before != null && !isRemoved() && before.isPeriodOver(now) && before.hasUsedPeriod()
                    ? Optional.of(before)
                    : Optional.empty();
        }

        /** The change of the sum of all values. */
        public BigInteger delta() {
            return value(after).subtract(value(before));
        }

        private static BigInteger value(@Nullable Counter counter) {
            return counter == null ? BigInteger.ZERO : BigInteger.valueOf(counter.value());
        }
    }
}
