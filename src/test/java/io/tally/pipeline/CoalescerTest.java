package io.tally.pipeline;

import static org.assertj.core.api.Assertions.assertThat;

import io.tally.counter.Command;
import io.tally.counter.CounterId;
import io.tally.counter.IdempotencyKey;
import io.tally.counter.MemberId;
import io.tally.counter.Operation.Increment;
import io.tally.counter.Operation.Transaction;
import io.tally.counter.Outcome;
import io.tally.counter.Outcome.Incremented;
import io.tally.counter.Outcome.Moved;
import io.tally.counter.Outcome.Replayed;
import io.tally.counter.Precondition;
import io.tally.lane.PendingRequest;
import io.tally.pipeline.CounterStore.Added;
import io.tally.pipeline.CounterStore.Keyed;
import io.tally.pipeline.CounterStore.KeyedValue;
import io.tally.pipeline.CounterStore.MemberMove;
import io.tally.pipeline.CounterStore.MoveResult;
import io.tally.pipeline.CounterStore.Sum;
import io.tally.pipeline.CounterStore.VersionedValue;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import net.jqwik.api.Arbitrary;
import net.jqwik.api.ForAll;
import net.jqwik.api.From;
import net.jqwik.api.Property;
import net.jqwik.api.Provide;
import net.jqwik.api.constraints.IntRange;
import org.jspecify.annotations.Nullable;

class CoalescerTest {

    @Provide
    Arbitrary<List<Command>> commands() {
        return Operations.commands(Operations.any()).list().ofMaxSize(40);
    }

    @Provide
    Arbitrary<List<Command>> increments() {
        return Operations.commands(Operations.increments()).list().ofMaxSize(60);
    }

    /** The outcome of each request, in the order of the requests. */
    private final List<@Nullable Outcome> answers = new ArrayList<>();

    private List<PendingRequest<Command, Outcome>> requests(List<Command> commands) {
        answers.clear();
        List<PendingRequest<Command, Outcome>> requests = new ArrayList<>();
        for (int i = 0; i < commands.size(); i++) {
            int index = i;
            answers.add(null);
            requests.add(new PendingRequest<>(commands.get(index), outcome -> answers.set(index, outcome), 0));
        }
        return requests;
    }

    @Property(tries = 2_000)
    void losesNoneAndKeepsTheOrderOfEachCounter(@ForAll("commands") List<Command> commands) {
        Coalescer.Batch batch = Coalescer.coalesce(requests(commands), CoalescerTest::refuses, counter -> false);

        List<Command> grouped = Stream.concat(
                        Stream.concat(
                                batch.increments().stream().flatMap(group -> group.requests().stream()),
                                batch.memberships().stream().flatMap(group -> group.requests().stream())),
                        Stream.concat(batch.doubtful().stream(), batch.conditional().stream()))
                .map(PendingRequest::request)
                .toList();
        assertThat(byCounter(grouped)).isEqualTo(byCounter(commands));
        assertThat(batch.increments())
                .allSatisfy(group -> assertThat(group.requests())
                        .allSatisfy(pending -> assertThat(pending.request().operation())
                                .isInstanceOfSatisfying(
                                        Increment.class,
                                        increment -> assertThat(increment.precondition())
                                                .isEqualTo(Precondition.NONE))));
        assertThat(batch.increments()).noneMatch(group -> refuses(group.counter()));
        assertThat(batch.doubtful())
                .extracting(PendingRequest::request)
                .allMatch(command -> command.operation().counters().stream().anyMatch(CoalescerTest::refuses));
    }

    private static boolean refuses(CounterId counter) {
        return counter.name().equals("b");
    }

    /** Transactions are in one order with those that are doubtful, too, or with those that are not. */
    private static Map<String, List<Command>> byCounter(List<Command> commands) {
        return commands.stream().collect(Collectors.groupingBy(command -> {
            List<CounterId> counters = command.operation().counters();
            return command.operation() instanceof Transaction
                    ? "transactions, doubtful: " + counters.stream().anyMatch(CoalescerTest::refuses)
                    : counters.toString();
        }));
    }

    @Provide
    Arbitrary<List<Command>> moves() {
        return Operations.commands(Operations.moves()).list().ofMaxSize(8);
    }

    /** The statement that moves must be given each member once; its answers are those of one move after the other. */
    @Property(tries = 2_000)
    void givesEachMoveTheValueAfterItsOwn(
            @ForAll("moves") List<Command> moves, @ForAll Set<@From("members") MemberId> present) {
        Coalescer.Batch batch = Coalescer.coalesce(requests(moves), counter -> false, counter -> false);
        for (CounterGroup group : batch.memberships()) {
            MembershipWrite write = new MembershipWrite(List.of(group));
            List<MemberMove> sent = write.moves();
            assertThat(sent.stream().map(MemberMove::member)).doesNotHaveDuplicates();
            List<Boolean> moved = sent.stream()
                    .map(move -> move.joins() != present.contains(move.member()))
                    .toList();
            long before = present.stream()
                    .filter(member -> member.counter().equals(group.counter()))
                    .count();
            long after = before;
            for (int i = 0; i < sent.size(); i++) {
                after += moved.get(i) ? (sent.get(i).joins() ? 1 : -1) : 0;
            }
            assertThat(write.answer(new MoveResult(List.of(new VersionedValue(after, 100)), new ArrayList<>(moved))))
                    .isEmpty();

            long value = before;
            for (int i = 0; i < sent.size(); i++) {
                value += moved.get(i) ? (sent.get(i).joins() ? 1 : -1) : 0;
                Moved answer = (Moved) Objects.requireNonNull(
                        answers.get(moves.indexOf(group.requests().get(i).request())));
                assertThat(answer.value()).isEqualTo(value);
                assertThat(answer.moved()).isEqualTo(moved.get(i));
                assertThat(answer.member()).isEqualTo(sent.get(i).joins());
            }
            assertThat(answers).filteredOn(Objects::nonNull).isNotEmpty();
        }
    }

    @Provide
    Arbitrary<MemberId> members() {
        return Operations.members();
    }

    /** The statement that adds must be given each key once, and no two meanings of one. */
    @Property(tries = 2_000)
    void sendsEachKeyOnce(@ForAll("increments") List<Command> increments) {
        Coalescer.Batch batch = Coalescer.coalesce(requests(increments), counter -> false, counter -> false);

        List<Keyed> keyed = write(batch.increments()).keyed();
        assertThat(keyed.stream().map(Keyed::key)).doesNotHaveDuplicates();
        assertThat(batch.increments().stream().flatMap(group -> group.requests().stream()))
                .allSatisfy(pending -> assertThat(pending.request().key() == null
                                || keyed.stream()
                                        .anyMatch(one -> one.key()
                                                        .equals(pending.request()
                                                                .key())
                                                && one.fingerprint()
                                                        == pending.request().fingerprint()))
                        .isTrue());
    }

    /** A store that does what the statement does: sums first, then the keys that it does not know, in their order. */
    @Property(tries = 2_000)
    void givesEachTheValueAfterItsOwn(
            @ForAll("increments") List<Command> increments, @ForAll @IntRange(max = 7) int known) {
        Coalescer.Batch batch = Coalescer.coalesce(requests(increments), counter -> false, counter -> false);
        long base = 1_000;

        IncrementWrite write = write(batch.increments());
        List<VersionedValue> values = new ArrayList<>();
        for (Sum sum : write.sums()) {
            assertThat(Math.abs(sum.delta())).isLessThanOrEqualTo(Sum.VALUE_MAX);
            values.add(new VersionedValue(base + sum.delta(), base + sum.operations()));
        }
        List<VersionedValue> last = new ArrayList<>(values);
        List<KeyedValue> stored = new ArrayList<>();
        for (Keyed keyed : write.keyed()) {
            if (isKnown(keyed.key(), known)) {
                stored.add(new KeyedValue(new VersionedValue(-7, 7), keyed.fingerprint()));
            } else {
                VersionedValue before = last.get(keyed.sum());
                last.set(keyed.sum(), new VersionedValue(before.value() + keyed.delta(), before.version() + 1));
                stored.add(new KeyedValue(last.get(keyed.sum()), null));
            }
        }
        assertThat(write.answer(new Added(values, stored))).isEmpty();

        for (CounterGroup group : batch.increments()) {
            checkGroup(group.counter(), increments, known, base);
        }
    }

    private static IncrementWrite write(List<CounterGroup> groups) {
        return new IncrementWrite(groups, new RecentSet<>(1));
    }

    private static boolean isKnown(IdempotencyKey key, int known) {
        return (known >> (key.text().charAt(1) - '1') & 1) == 1;
    }

    /** One by one: those without a key, then each key when it comes for the first time. */
    private void checkGroup(CounterId counter, List<Command> increments, int known, long base) {
        long value = base;
        long version = base;
        for (int i = 0; i < increments.size(); i++) {
            Increment increment = (Increment) increments.get(i).operation();
            if (increment.counter().equals(counter) && increments.get(i).key() == null) {
                value += increment.delta();
                version++;
                assertThat(answers.get(i)).isEqualTo(new Incremented(value, version, increment.delta()));
            }
        }
        Map<IdempotencyKey, Incremented> first = new HashMap<>();
        for (int i = 0; i < increments.size(); i++) {
            Increment increment = (Increment) increments.get(i).operation();
            IdempotencyKey key = increments.get(i).key();
            if (!increment.counter().equals(counter) || key == null) {
                continue;
            }
            if (isKnown(key, known)) {
                assertThat(answers.get(i)).isEqualTo(new Replayed(new Incremented(-7, 7, increment.delta())));
            } else if (first.containsKey(key)) {
                assertThat(answers.get(i)).isEqualTo(new Replayed(Objects.requireNonNull(first.get(key))));
            } else {
                value += increment.delta();
                version++;
                first.put(key, new Incremented(value, version, increment.delta()));
                assertThat(answers.get(i)).isEqualTo(first.get(key));
            }
        }
    }

    @Property(tries = 200)
    void sumsWhateverCannotPassTheRange(
            @ForAll @IntRange(min = -1_000, max = 1_000) int delta, @ForAll("increments") List<Command> increments) {
        List<Command> small = increments.stream()
                .map(Command::operation)
                .map(Increment.class::cast)
                .map(increment -> Command.of(new Increment(increment.counter(), delta, Precondition.NONE)))
                .toList();

        assertThat(Coalescer.coalesce(requests(small), counter -> false, counter -> false)
                        .conditional())
                .isEmpty();
    }
}
