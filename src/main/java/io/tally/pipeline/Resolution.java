package io.tally.pipeline;

import io.tally.counter.Counter;
import io.tally.counter.CounterId;
import io.tally.counter.Outcome;
import java.math.BigInteger;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * A decision on a list of operations.
 *
 * @param outcomes in the order of the operations
 * @param changes the counters that are no longer as they were found
 * @param operations how many were applied
 */
public record Resolution(List<Outcome> outcomes, List<Change> changes, int operations) {

    /** The sum of what the values moved, without sign. */
    double magnitude() {
        return changes.stream().mapToDouble(Change::magnitude).sum();
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

        private double magnitude() {
            return Math.abs(delta().doubleValue());
        }

        private static BigInteger value(@Nullable Counter counter) {
            return counter == null ? BigInteger.ZERO : BigInteger.valueOf(counter.value());
        }
    }
}
