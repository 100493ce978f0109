package io.tally.pipeline;

import io.tally.counter.CounterId;
import io.tally.counter.Operation;
import io.tally.counter.Operation.Increment;
import io.tally.counter.Outcome;
import io.tally.counter.Outcome.Incremented;
import io.tally.counter.Precondition;
import io.tally.pipeline.CounterStore.Level;
import io.tally.pipeline.CounterStore.Sum;
import java.util.ArrayList;
import java.util.List;

/**
 * What a lane cut from its queue, grouped by counter.
 *
 * @param unconditional groups of increments that nothing but the counter's own state can refuse
 * @param conditional groups in which an operation depends on what it finds
 */
record Batch(List<Group> unconditional, List<Group> conditional) {

    /** The operations on one counter, in arrival order. */
    static final class Group {

        private final CounterId counter;
        private final List<Waiter<Operation, Outcome>> waiters = new ArrayList<>(4);
        private boolean conditional;
        private long delta;
        private long magnitude;

        Group(CounterId counter, boolean conditional) {
            this.counter = counter;
            this.conditional = conditional;
        }

        void join(Waiter<Operation, Outcome> waiter) {
            waiters.add(waiter);
            if (waiter.request() instanceof Increment increment
                    && increment.precondition() instanceof Precondition.None) {
                add(increment.delta());
            } else {
                conditional = true;
            }
        }

        private void add(long more) {
            // Bounding the magnitudes bounds every partial sum, not only the last.
            long size = Math.absExact(Math.max(more, -Long.MAX_VALUE));
            if (size > Sum.VALUE_MAX - magnitude) {
                conditional = true;
            } else {
                magnitude += size;
                delta += more;
            }
        }

        CounterId counter() {
            return counter;
        }

        List<Waiter<Operation, Outcome>> waiters() {
            return waiters;
        }

        boolean conditional() {
            return conditional;
        }

        /** The sum of the deltas without their signs. */
        long magnitude() {
            return magnitude;
        }

        Sum sum() {
            return new Sum(counter, delta, waiters.size());
        }

        /** Gives each waiter the value after its own operation, as if it had been alone. */
        void answer(Level level) {
            long value = level.value() - delta;
            long version = level.version() - waiters.size();
            for (Waiter<Operation, Outcome> waiter : waiters) {
                long own = ((Increment) waiter.request()).delta();
                value += own;
                version++;
                waiter.answer(new Incremented(value, version, own));
            }
        }
    }
}
