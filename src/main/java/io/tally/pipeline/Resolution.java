package io.tally.pipeline;

import io.tally.counter.Counter;
import io.tally.counter.CounterId;
import io.tally.counter.MemberId;
import io.tally.counter.Outcome;
import io.tally.idempotency.IdempotencyRecord;
import java.math.BigInteger;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * A decision on a list of operations.
 *
 * @param outcomes in the order of the operations
 * @param changes the counters that are no longer as they were found
 * @param members who came and went
 * @param remembered what is to be known from now on
 * @param operations how many were applied
 * @param magnitude the sum of what each of these moved a value by, without signs
 */
public record Resolution(
        List<Outcome> outcomes,
        List<Change> changes,
        MemberChanges members,
        List<IdempotencyRecord> remembered,
        int operations,
        double magnitude) {

    /** Whether there is nothing to write. */
    public boolean isEmpty() {
        return operations == 0 && remembered.isEmpty();
    }

    /**
     * Who came and went, to be carried out in this order.
     *
     * @param emptied counters that lose all the members they were found with
     * @param left those who were members, but not of {@code emptied}
     * @param joined those who were not, or of {@code emptied}
     */
    public record MemberChanges(List<CounterId> emptied, List<MemberId> left, List<MemberId> joined) {

        /** Whether there is nothing to carry out. */
        public boolean isEmpty() {
            return emptied.isEmpty() && left.isEmpty() && joined.isEmpty();
        }
    }

    /** A counter before and after; {@code null} where it does not exist. */
    public record Change(
            CounterId counter,
            @Nullable Counter before,
            @Nullable Counter after) {

        /** What the change adds to the sum of all values. */
        public BigInteger delta() {
            return value(after).subtract(value(before));
        }

        private static BigInteger value(@Nullable Counter counter) {
            return counter == null ? BigInteger.ZERO : BigInteger.valueOf(counter.value());
        }
    }
}
