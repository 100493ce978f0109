package io.tally.pipeline;

import static org.assertj.core.api.Assertions.assertThat;

import io.tally.counter.Bounds;
import io.tally.counter.Command;
import io.tally.counter.Counter;
import io.tally.counter.CounterId;
import io.tally.counter.IdempotencyKey;
import io.tally.counter.Kind;
import io.tally.counter.MemberId;
import io.tally.counter.NewCounter;
import io.tally.counter.Operation;
import io.tally.counter.Operation.Create;
import io.tally.counter.Operation.Delete;
import io.tally.counter.Operation.Increment;
import io.tally.counter.Operation.Join;
import io.tally.counter.Operation.Transaction;
import io.tally.counter.Outcome;
import io.tally.counter.Outcome.Amended;
import io.tally.counter.Outcome.BoundExceeded;
import io.tally.counter.Outcome.BoundExceeded.End;
import io.tally.counter.Outcome.BoundsInverted;
import io.tally.counter.Outcome.Created;
import io.tally.counter.Outcome.Deleted;
import io.tally.counter.Outcome.DryRun;
import io.tally.counter.Outcome.ExpiryPassed;
import io.tally.counter.Outcome.Found;
import io.tally.counter.Outcome.Incremented;
import io.tally.counter.Outcome.IncrementedAtMost;
import io.tally.counter.Outcome.InitialExcluded;
import io.tally.counter.Outcome.KeyReused;
import io.tally.counter.Outcome.Moved;
import io.tally.counter.Outcome.NotFound;
import io.tally.counter.Outcome.PreconditionFailed;
import io.tally.counter.Outcome.Replayed;
import io.tally.counter.Outcome.Swept;
import io.tally.counter.Outcome.TransactionApplied;
import io.tally.counter.Outcome.TransactionRefused;
import io.tally.counter.Outcome.WrongKind;
import io.tally.counter.Period;
import io.tally.counter.Precondition;
import io.tally.counter.Recurrence;
import io.tally.idempotency.IdempotencyRecord;
import io.tally.pipeline.Resolution.MemberChanges;
import java.math.BigInteger;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.stream.Collectors;
import net.jqwik.api.Arbitraries;
import net.jqwik.api.Arbitrary;
import net.jqwik.api.Combinators;
import net.jqwik.api.Example;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.Provide;
import net.jqwik.api.Tuple;
import org.jspecify.annotations.Nullable;

class ResolverTest {

    @Provide
    Arbitrary<List<List<Command>>> batches() {
        return Operations.commands(Operations.any())
                .list()
                .ofMaxSize(12)
                .list()
                .ofMinSize(1)
                .ofMaxSize(4);
    }

    /** A batch, and the time since the one before. */
    record Step(Duration pause, List<Command> commands) {}

    @Provide
    Arbitrary<List<Step>> steps() {
        Arbitrary<Duration> pauses = Arbitraries.oneOf(
                        Arbitraries.longs().between(1, 900), Arbitraries.longs().between(1, 9_000))
                .map(Duration::ofMillis);
        Arbitrary<Command> commands = Arbitraries.frequencyOf(
                Tuple.of(6, Operations.commands(Operations.timed())),
                Tuple.of(1, Operations.sweeps().map(Command::of)));
        return Combinators.combine(pauses, commands.list().ofMaxSize(8))
                .as(Step::new)
                .list()
                .ofMinSize(2)
                .ofMaxSize(8);
    }

    @Property(tries = 5_000)
    void decidesBatchesAsTheModelDecidesOneByOne(@ForAll("batches") List<List<Command>> batches) {
        requireModel(batches.stream()
                .map(batch -> new Step(Duration.ofSeconds(1), batch))
                .toList());
    }

    @Property(tries = 3_000)
    void decidesAsTheModelWhileTimePasses(@ForAll("steps") List<Step> steps) {
        requireModel(steps);
    }

    private static void requireModel(List<Step> steps) {
        SequentialModel model = new SequentialModel();
        Map<CounterId, Counter> stored = new HashMap<>();
        Map<CounterId, List<SequentialModel.Ended>> history = new HashMap<>();
        Set<MemberId> members = new HashSet<>();
        Map<IdempotencyKey, IdempotencyRecord> keys = new HashMap<>();
        Instant now = Instant.EPOCH;
        int applied = 0;
        for (Step step : steps) {
            now = now.plus(step.pause());
            model.setTime(now);
            BigInteger before = sum(stored);
            Resolution resolution = Resolver.resolve(new StoredState(stored, members, keys, now), step.commands());

            List<String> expected = step.commands().stream().map(model::apply).toList();
            assertThat(resolution.outcomes().stream().map(ResolverTest::text)).isEqualTo(expected);
            BigInteger delta = delta(resolution);
            // A store writes nothing where no operation was applied.
            if (!resolution.isEmpty()) {
                write(resolution, stored);
                writeHistory(resolution, history);
                assertThat(sum(stored).subtract(before)).isEqualTo(delta);
            }
            write(resolution.members(), members);
            resolution
                    .records()
                    .forEach(fresh -> assertThat(keys.put(fresh.key(), fresh))
                            .as("remembered twice")
                            .isNull());
            applied += resolution.operations();
            assertThat(applied).isEqualTo(model.applied);
            Map<CounterId, Counter> current = current(stored, now);
            assertThat(states(current, members)).isEqualTo(model.counters);
            assertThat(shown(current.keySet(), stored, history, now)).isEqualTo(model.history);
            requireSwept(step.commands(), stored, current);
        }
    }

    private static Map<CounterId, Counter> current(Map<CounterId, Counter> stored, Instant now) {
        Map<CounterId, Counter> current = new HashMap<>();
        stored.forEach((id, counter) -> {
            Counter state = counter.at(now);
            if (state != null) {
                current.put(id, state);
            }
        });
        return current;
    }

    /** After a sweep, the stored state is the current one. */
    private static void requireSwept(
            List<Command> commands, Map<CounterId, Counter> stored, Map<CounterId, Counter> current) {
        commands.stream()
                .map(Command::operation)
                .filter(Operation.Sweep.class::isInstance)
                .flatMap(sweep -> sweep.counters().stream())
                .forEach(id -> assertThat(stored.get(id)).isEqualTo(current.get(id)));
    }

    private static void writeHistory(Resolution resolution, Map<CounterId, List<SequentialModel.Ended>> history) {
        for (Resolution.Change change : resolution.changes()) {
            if (change.isRemoved()) {
                history.remove(change.counter());
            }
            change.endedPeriod()
                    .ifPresent(counter -> history.computeIfAbsent(counter.id(), absent -> new ArrayList<>())
                            .add(ended(counter)));
        }
    }

    private static SequentialModel.Ended ended(Counter counter) {
        Period period = Objects.requireNonNull(counter.period());
        return new SequentialModel.Ended(period.start(), period.end(), BigInteger.valueOf(counter.value()));
    }

    /** The stored periods of the counters that exist, and those that ended since they were stored. */
    private static Map<CounterId, List<SequentialModel.Ended>> shown(
            Set<CounterId> alive,
            Map<CounterId, Counter> stored,
            Map<CounterId, List<SequentialModel.Ended>> history,
            Instant now) {
        Map<CounterId, List<SequentialModel.Ended>> shown = new HashMap<>();
        for (CounterId id : alive) {
            List<SequentialModel.Ended> periods = new ArrayList<>(history.getOrDefault(id, List.of()));
            Counter counter = Objects.requireNonNull(stored.get(id));
            if (counter.isPeriodOver(now) && counter.hasUsedPeriod()) {
                periods.add(ended(counter));
            }
            if (!periods.isEmpty()) {
                shown.put(id, periods);
            }
        }
        return shown;
    }

    @Provide
    Arbitrary<Operation> expectable() {
        return Operations.expectable();
    }

    @Property(tries = 5_000)
    void expectsWhatItDecides(
            @ForAll("batches") List<List<Command>> batches, @ForAll("expectable") Operation operation) {
        SequentialModel model = new SequentialModel();
        Map<CounterId, Counter> stored = new HashMap<>();
        List<Command> before = batches.getFirst();
        before.forEach(model::apply);
        write(Resolver.resolve(new StoredState(stored, Set.of(), Map.of(), Instant.EPOCH), before), stored);
        Map<CounterId, Counter> given = Map.copyOf(stored);

        CounterQuery query = new CounterQuery.Expected(operation);
        assertThat(query.counters()).isEqualTo(operation.counters());
        Outcome expected = query.outcome(StoredState.of(given, Instant.EPOCH));
        assertThat(expected).isNotInstanceOf(Outcome.Success.class);
        assertThat(text(expected)).isEqualTo(model.apply(Command.of(operation)));
        assertThat(given).isEqualTo(stored);
    }

    @Property(tries = 1_000)
    void changesNothingThatItWasGiven(@ForAll("batches") List<List<Command>> batches) {
        Map<CounterId, Counter> stored = new HashMap<>();
        write(Resolver.resolve(new StoredState(stored, Set.of(), Map.of(), Instant.EPOCH), batches.getFirst()), stored);
        Map<CounterId, Counter> given = Map.copyOf(stored);
        for (List<Command> batch : batches) {
            Resolver.resolve(new StoredState(given, Set.of(), Map.of(), Instant.EPOCH), batch);
            assertThat(given).isEqualTo(stored);
        }
    }

    /** What is not under lock is another's: its members must not be touched, nor believed in. */
    @Example
    void leavesTheMembersOfACounterThatWasNotFoundAlone() {
        CounterId absent = new CounterId("n", "absent");
        MemberId ann = new MemberId(absent, "ann");
        StoredState states = new StoredState(Map.of(), Set.of(ann), Map.of(), Instant.EPOCH);

        Resolution resolution = Resolver.resolve(
                states,
                List.of(
                        Command.of(new Join(new MemberId(absent, "bob"))),
                        Command.of(new Delete(absent, Precondition.NONE))));
        assertThat(resolution.members().isEmpty()).isTrue();
        assertThat(Resolver.resolve(states, List.of(Command.of(new Join(ann)))).outcomes())
                .containsExactly(new Moved(true, true, 1, 1));
    }

    /** A refused transaction changes nothing, so that a sweep behind it in the batch does. */
    @Example
    void sweepsBehindARefusedTransaction() {
        CounterId over = new CounterId("n", "over");
        CounterId full = new CounterId("n", "full");
        NewCounter state = new NewCounter(0, Bounds.NONE, Recurrence.of("PT1S", null, null), null);
        Map<CounterId, Counter> stored = new HashMap<>();
        Resolution created = Resolver.resolve(
                StoredState.of(stored, Instant.EPOCH),
                List.of(
                        Command.of(new Increment(over, 5, state, false, Precondition.NONE)),
                        Command.of(new Create(full, new NewCounter(0, new Bounds(null, 0L)), Precondition.NONE))));
        write(created, stored);

        Resolution resolution = Resolver.resolve(
                StoredState.of(stored, Instant.ofEpochSecond(1)),
                List.of(
                        Command.of(new Transaction(List.of(
                                new Increment(over, 1, Precondition.NONE), new Increment(full, 1, Precondition.NONE)))),
                        Command.of(new Operation.Sweep(over))));

        assertThat(resolution.outcomes().getLast()).isEqualTo(new Swept(true));
        write(resolution, stored);
        assertThat(Objects.requireNonNull(stored.get(over)).value()).isZero();
        assertThat(resolution.isEmpty()).isFalse();
    }

    /** The lock of a row may be given after another transaction began a period that is later than this time. */
    @Example
    void countsInThePeriodOfTheRow() {
        CounterId counter = new CounterId("n", "c");
        NewCounter state = new NewCounter(0, Bounds.NONE, Recurrence.of("PT10S", null, null), null);
        Map<CounterId, Counter> stored = new HashMap<>();
        Command increment = Command.of(new Increment(counter, 5, state, false, Precondition.NONE));
        write(Resolver.resolve(StoredState.of(stored, Instant.ofEpochSecond(10)), List.of(increment)), stored);

        Resolution late = Resolver.resolve(
                StoredState.of(stored, Instant.ofEpochSecond(10).minusMillis(1)), List.of(increment));

        assertThat(late.outcomes()).containsExactly(new Incremented(10, 2, 5));
        write(late, stored);
        assertThat(Objects.requireNonNull(
                                Objects.requireNonNull(stored.get(counter)).period())
                        .end())
                .isEqualTo(Instant.ofEpochSecond(20));
    }

    private static void write(Resolution resolution, Map<CounterId, Counter> stored) {
        for (Resolution.Change change : resolution.changes()) {
            assertThat(stored.get(change.counter())).isEqualTo(change.before());
            Counter after = change.after();
            if (after == null) {
                stored.remove(change.counter());
            } else {
                stored.put(change.counter(), after);
            }
        }
    }

    /** As a store does, which refuses to remove who is none and to add who is one. */
    private static void write(MemberChanges changes, Set<MemberId> members) {
        members.removeIf(member -> changes.emptied().contains(member.counter()));
        changes.left()
                .forEach(member -> assertThat(members.remove(member)).as("left").isTrue());
        changes.joined()
                .forEach(member -> assertThat(members.add(member)).as("joined").isTrue());
    }

    private static Set<String> members(CounterId counter, Set<MemberId> members) {
        return members.stream()
                .filter(member -> member.counter().equals(counter))
                .map(MemberId::member)
                .collect(Collectors.toSet());
    }

    private static BigInteger delta(Resolution resolution) {
        return resolution.changes().stream().map(Resolution.Change::delta).reduce(BigInteger.ZERO, BigInteger::add);
    }

    private static BigInteger sum(Map<CounterId, Counter> stored) {
        return stored.values().stream()
                .map(counter -> BigInteger.valueOf(counter.value()))
                .reduce(BigInteger.ZERO, BigInteger::add);
    }

    private static Map<CounterId, SequentialModel.State> states(Map<CounterId, Counter> stored, Set<MemberId> members) {
        Map<CounterId, SequentialModel.State> states = new HashMap<>();
        stored.forEach((id, counter) -> {
            Long min = counter.bounds().min();
            Long max = counter.bounds().max();
            states.put(
                    id,
                    new SequentialModel.State(
                            BigInteger.valueOf(counter.value()),
                            counter.version(),
                            BigInteger.valueOf(counter.initial()),
                            min == null ? null : BigInteger.valueOf(min),
                            max == null ? null : BigInteger.valueOf(max),
                            counter.kind() == Kind.PLAIN ? null : members(id, members),
                            span(counter.period()),
                            counter.expiresAt(),
                            counter.createdAt()));
        });
        return states;
    }

    private static SequentialModel.@Nullable Span span(@Nullable Period period) {
        return period == null
                ? null
                : new SequentialModel.Span(period.recurrence(), period.start(), period.end(), period.firstVersion());
    }

    static String text(Outcome outcome) {
        return switch (outcome) {
            case Incremented incremented -> incremented.value() + "@" + incremented.version();
            case IncrementedAtMost atMost ->
                text(atMost.applied()) + " by " + atMost.applied().delta();
            case DryRun dryRun -> text(dryRun.expected());
            case Created created -> text(created.counter());
            case Amended amended -> text(amended.counter());
            case Found found -> "found " + text(found.counter());
            case Deleted deleted -> "deleted";
            case NotFound absent -> "absent";
            case PreconditionFailed failed -> "precondition";
            case BoundExceeded exceeded -> exceeded.end() == End.MAX ? "above" : "below";
            case BoundsInverted inverted -> "inverted";
            case InitialExcluded excluded -> "initial";
            case WrongKind wrong -> "kind";
            case Moved moved ->
                (moved.moved() ? "" : "was " + (moved.member() ? "there " : "away ")) + moved.value() + "@"
                        + moved.version();
            case TransactionApplied transaction ->
                transaction.results().stream().map(ResolverTest::text).toList().toString();
            case TransactionRefused refused -> "item " + refused.item() + " " + text(refused.cause());
            case Replayed replayed -> "again " + text(replayed.original());
            case KeyReused reused -> "other";
            case ExpiryPassed passed -> "passed";
            case Swept swept -> swept.changed() ? "swept" : "current";
            default -> throw new AssertionError(outcome);
        };
    }

    private static String text(Counter counter) {
        return counter.value() + "@" + counter.version();
    }
}
