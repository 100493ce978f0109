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
import java.util.List;

/** A question about counters, whose states are read in one snapshot. Pure. */
sealed interface CounterQuery {

    /** The counters to read. */
    List<CounterId> counters();

    /** The outcome for these states, at the time of the read. */
    Outcome outcome(StoredState found);

    /** The outcome if the database cannot represent the name of a counter, which therefore does not exist. */
    Outcome unstorable();

    /** The state of a counter. */
    record State(CounterId counter) implements CounterQuery {
        @Override
        public List<CounterId> counters() {
            return List.of(counter);
        }

        @Override
        public Outcome outcome(StoredState found) {
            Counter stored = found.counters().get(counter);
            Counter state = stored == null ? null : stored.at(found.now());
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
        public Outcome outcome(StoredState found) {
            Outcome expected = Resolver.resolve(found, List.of(Command.of(operation)))
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
