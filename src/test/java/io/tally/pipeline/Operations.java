package io.tally.pipeline;

import io.tally.counter.Bounds;
import io.tally.counter.Command;
import io.tally.counter.CounterId;
import io.tally.counter.Edit;
import io.tally.counter.Expiry;
import io.tally.counter.IdempotencyKey;
import io.tally.counter.MemberId;
import io.tally.counter.NewCounter;
import io.tally.counter.Operation;
import io.tally.counter.Operation.Amend;
import io.tally.counter.Operation.Create;
import io.tally.counter.Operation.Delete;
import io.tally.counter.Operation.Increment;
import io.tally.counter.Operation.Join;
import io.tally.counter.Operation.Leave;
import io.tally.counter.Operation.Sweep;
import io.tally.counter.Operation.Transaction;
import io.tally.counter.Precondition;
import io.tally.counter.Precondition.AtVersion;
import io.tally.counter.Recurrence;
import java.time.Instant;
import java.util.Set;
import net.jqwik.api.Arbitraries;
import net.jqwik.api.Arbitrary;
import net.jqwik.api.Combinators;
import org.jspecify.annotations.Nullable;

/** Operations for property tests: few counters, so that they meet, and numbers near every edge. */
final class Operations {

    private Operations() {}

    static Arbitrary<CounterId> counters() {
        return Arbitraries.of("a", "b", "c").map(name -> new CounterId("n", name));
    }

    static Arbitrary<Long> numbers() {
        return Arbitraries.frequencyOf(
                net.jqwik.api.Tuple.of(6, Arbitraries.longs().between(-5, 5)),
                net.jqwik.api.Tuple.of(
                        1,
                        Arbitraries.of(
                                Long.MIN_VALUE,
                                Long.MIN_VALUE + 1,
                                Long.MAX_VALUE,
                                Long.MAX_VALUE - 1,
                                1L << 62,
                                -(1L << 62))),
                net.jqwik.api.Tuple.of(1, Arbitraries.longs()));
    }

    static Arbitrary<Increment> increments() {
        return Combinators.combine(counters(), numbers())
                .as((counter, delta) -> new Increment(counter, delta, Precondition.NONE));
    }

    static Arbitrary<Operation> any() {
        return any(newCounters(), Arbitraries.just(Edit.keep()), Arbitraries.just(Edit.keep()));
    }

    /** The same with periods and expiry, in the first minute of the epoch. */
    static Arbitrary<Operation> timed() {
        Arbitrary<NewCounter> timed = Combinators.combine(
                        newCounters(), recurrences().injectNull(0.3), expiries().injectNull(0.6))
                .as((state, recurrence, expiry) -> new NewCounter(state.initial(), state.bounds(), recurrence, expiry));
        return any(timed, edits(recurrences()), edits(expiries()));
    }

    static Arbitrary<Sweep> sweeps() {
        return counters().map(Sweep::new);
    }

    private static Arbitrary<Recurrence> recurrences() {
        return Arbitraries.of("PT1S", "PT2S", "PT7S").map(every -> Recurrence.of(every, null, null));
    }

    private static Arbitrary<Expiry> expiries() {
        return Arbitraries.oneOf(
                Arbitraries.longs().between(1, 20).map(Expiry.After::new),
                Arbitraries.longs().between(0, 60).map(second -> new Expiry.At(Instant.ofEpochSecond(second))));
    }

    private static <T> Arbitrary<Edit<T>> edits(Arbitrary<T> values) {
        return Arbitraries.oneOf(
                Arbitraries.just(Edit.keep()), values.injectNull(0.3).map(value -> new Edit.Set<>(value)));
    }

    private static Arbitrary<Operation> any(
            Arbitrary<NewCounter> states, Arbitrary<Edit<Recurrence>> recurrences, Arbitrary<Edit<Expiry>> expiries) {
        Arbitrary<Operation> conditional = Combinators.combine(
                        counters(), numbers(), states, Arbitraries.of(true, false), preconditions())
                .as(Increment::new);
        Arbitrary<Operation> creates =
                Combinators.combine(counters(), states, preconditions()).as(Create::new);
        Arbitrary<Operation> amends = Combinators.combine(
                        counters(),
                        numbers().injectNull(0.4),
                        numbers().injectNull(0.7),
                        edits(numbers()),
                        edits(numbers()),
                        recurrences,
                        expiries,
                        preconditions())
                .filter((counter, value, initial, min, max, recurrence, expiry, precondition) ->
                        admits(initial, min, max))
                .as(Amend::new);
        Arbitrary<Operation> deletes =
                Combinators.combine(counters(), preconditions()).as(Delete::new);
        return Arbitraries.oneOf(
                moves(),
                increments().map(increment -> (Operation) increment),
                conditional,
                creates,
                amends,
                deletes,
                transactions(states));
    }

    /** Increments and transactions: what a dry run may have. */
    static Arbitrary<Operation> expectable() {
        return any().filter(operation -> operation instanceof Increment || operation instanceof Transaction);
    }

    private static Arbitrary<Operation> transactions(Arbitrary<NewCounter> states) {
        Arbitrary<Increment> withDefaults = Combinators.combine(counters(), numbers(), states)
                .as((counter, delta, defaults) -> new Increment(counter, delta, defaults, false, Precondition.NONE));
        return Arbitraries.oneOf(increments(), withDefaults)
                .list()
                .ofMinSize(1)
                .ofMaxSize(4)
                .map(Transaction::new);
    }

    private static boolean admits(@Nullable Long initial, Edit<Long> min, Edit<Long> max) {
        Long low = min.after(null);
        Long high = max.after(null);
        return initial == null || ((low == null || low <= initial) && (high == null || initial <= high));
    }

    private static Arbitrary<NewCounter> newCounters() {
        return Combinators.combine(numbers(), bounds())
                .as((initial, bounds) -> new NewCounter(bounds.nearest(initial), bounds));
    }

    static Arbitrary<MemberId> members() {
        return Combinators.combine(counters(), Arbitraries.of("p", "q", "r")).as(MemberId::new);
    }

    static Arbitrary<Operation> moves() {
        return Arbitraries.oneOf(members().map(Join::new), members().map(Leave::new));
    }

    /** With one of a few keys, or more often with none. */
    static Arbitrary<Command> commands(Arbitrary<? extends Operation> operations) {
        Arbitrary<IdempotencyKey> keys = Arbitraries.of("k1", "k2", "k3").map(text -> new IdempotencyKey("n", text));
        return Combinators.combine(operations, keys.injectNull(0.6)).as(Command::of);
    }

    private static Arbitrary<Bounds> bounds() {
        return Combinators.combine(numbers().injectNull(0.5), numbers().injectNull(0.5))
                .as((one, other) ->
                        one != null && other != null && one > other ? new Bounds(other, one) : new Bounds(one, other));
    }

    private static Arbitrary<Precondition> preconditions() {
        Arbitrary<Precondition> atVersion = Arbitraries.longs()
                .between(1, 5)
                .set()
                .ofMaxSize(3)
                .map(versions -> new AtVersion(Set.copyOf(versions)));
        return Arbitraries.oneOf(
                Arbitraries.of(Precondition.NONE, Precondition.EXISTS, Precondition.ABSENT), atVersion);
    }
}
