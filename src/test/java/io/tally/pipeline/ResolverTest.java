package io.tally.pipeline;

import static org.assertj.core.api.Assertions.assertThat;

import io.tally.counter.Command;
import io.tally.counter.Counter;
import io.tally.counter.CounterId;
import io.tally.counter.IdempotencyKey;
import io.tally.counter.Kind;
import io.tally.counter.MemberId;
import io.tally.counter.Operation;
import io.tally.counter.Operation.Delete;
import io.tally.counter.Operation.Join;
import io.tally.counter.Outcome;
import io.tally.counter.Outcome.Amended;
import io.tally.counter.Outcome.BoundExceeded;
import io.tally.counter.Outcome.BoundExceeded.End;
import io.tally.counter.Outcome.BoundsInverted;
import io.tally.counter.Outcome.Created;
import io.tally.counter.Outcome.Deleted;
import io.tally.counter.Outcome.DryRun;
import io.tally.counter.Outcome.Found;
import io.tally.counter.Outcome.Incremented;
import io.tally.counter.Outcome.IncrementedAtMost;
import io.tally.counter.Outcome.InitialExcluded;
import io.tally.counter.Outcome.KeyReused;
import io.tally.counter.Outcome.Moved;
import io.tally.counter.Outcome.NotFound;
import io.tally.counter.Outcome.PreconditionFailed;
import io.tally.counter.Outcome.Replayed;
import io.tally.counter.Outcome.TransactionApplied;
import io.tally.counter.Outcome.TransactionRefused;
import io.tally.counter.Outcome.WrongKind;
import io.tally.counter.Precondition;
import io.tally.idempotency.IdempotencyRecord;
import io.tally.pipeline.Resolution.MemberChanges;
import java.math.BigInteger;
import java.time.Instant;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.Collectors;
import net.jqwik.api.Arbitrary;
import net.jqwik.api.Example;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.Provide;

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

    @Property(tries = 5_000)
    void decidesBatchesAsTheModelDecidesOneByOne(@ForAll("batches") List<List<Command>> batches) {
        SequentialModel model = new SequentialModel();
        Map<CounterId, Counter> stored = new HashMap<>();
        Set<MemberId> members = new HashSet<>();
        Map<IdempotencyKey, IdempotencyRecord> keys = new HashMap<>();
        int applied = 0;
        for (int i = 0; i < batches.size(); i++) {
            BigInteger before = sum(stored);
            Resolution resolution =
                    Resolver.resolve(new StoredState(stored, members, keys, Instant.ofEpochSecond(i)), batches.get(i));

            List<String> expected = batches.get(i).stream().map(model::apply).toList();
            assertThat(resolution.outcomes().stream().map(ResolverTest::text)).isEqualTo(expected);
            write(resolution, stored);
            write(resolution.members(), members);
            resolution
                    .records()
                    .forEach(fresh -> assertThat(keys.put(fresh.key(), fresh))
                            .as("remembered twice")
                            .isNull());
            applied += resolution.operations();
            assertThat(applied).isEqualTo(model.applied);
            assertThat(states(stored, members)).isEqualTo(model.counters);
            assertThat(sum(stored).subtract(before)).isEqualTo(delta(resolution));
        }
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
                            counter.kind() == Kind.PLAIN ? null : members(id, members)));
        });
        return states;
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
            default -> throw new AssertionError(outcome);
        };
    }

    private static String text(Counter counter) {
        return counter.value() + "@" + counter.version();
    }
}
