package io.tally.pipeline;

import io.tally.counter.Command;
import io.tally.counter.Counter;
import io.tally.counter.CounterId;
import io.tally.counter.Operation;
import io.tally.counter.Outcome;
import io.tally.counter.Outcome.ConstraintViolated;
import io.tally.counter.Outcome.DryRun;
import io.tally.counter.Outcome.Found;
import io.tally.counter.Outcome.NotFound;
import io.tally.counter.Outcome.Success;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.Set;

/** A question about counters, whose states are read in one snapshot. Pure. */
sealed interface CounterQuery {

    /** The counters to read. */
    List<CounterId> counters();

    /** The outcome for these states; {@code found} lacks the counters that do not exist. */
    Outcome outcome(Map<CounterId, Counter> found);

    /** The outcome if the database cannot represent the name of a counter, which therefore does not exist. */
    Outcome unstorable();

    /** The state of a counter. */
    record State(CounterId counter) implements CounterQuery {
        @Override
        public List<CounterId> counters() {
            return List.of(counter);
        }

        @Override
        public Outcome outcome(Map<CounterId, Counter> found) {
            Counter state = found.get(counter);
            return state == null ? new NotFound() : new Found(state);
        }

        @Override
        public Outcome unstorable() {
            return new NotFound();
        }
    }

    /**
     * The outcome that an operation would have.
     *
     * @param operation not a join or leave, since the query reads no members
     */
    record Expected(Operation operation) implements CounterQuery {
        @Override
        public List<CounterId> counters() {
            return operation.counters();
        }

        @Override
        public Outcome outcome(Map<CounterId, Counter> found) {
            // The time of a change is not in the outcome of an increment.
            LockedState state = new LockedState(found, Set.of(), Map.of(), Instant.EPOCH);
            Outcome expected = Resolver.resolve(state, List.of(Command.of(operation)))
                    .outcomes()
                    .getFirst();
            return expected instanceof Success success ? new DryRun(success) : expected;
        }

        @Override
        public Outcome unstorable() {
            return new ConstraintViolated();
        }
    }
}
