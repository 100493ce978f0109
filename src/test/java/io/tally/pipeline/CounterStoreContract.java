package io.tally.pipeline;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import io.tally.counter.Bounds;
import io.tally.counter.Command;
import io.tally.counter.Counter;
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
import io.tally.counter.Operation.Transaction;
import io.tally.counter.Outcome;
import io.tally.counter.Outcome.Created;
import io.tally.counter.Outcome.Deleted;
import io.tally.counter.Outcome.Found;
import io.tally.counter.Outcome.Incremented;
import io.tally.counter.Outcome.IncrementedAtMost;
import io.tally.counter.Outcome.Moved;
import io.tally.counter.Outcome.Replayed;
import io.tally.counter.Outcome.Success;
import io.tally.counter.Outcome.TransactionRefused;
import io.tally.counter.Precondition;
import io.tally.counter.Recurrence;
import io.tally.lane.PendingRequest;
import io.tally.pipeline.CounterStore.Added;
import io.tally.pipeline.CounterStore.Fence;
import io.tally.pipeline.CounterStore.Keyed;
import io.tally.pipeline.CounterStore.KeyedValue;
import io.tally.pipeline.CounterStore.MemberMove;
import io.tally.pipeline.CounterStore.MoveResult;
import io.tally.pipeline.CounterStore.Reach;
import io.tally.pipeline.CounterStore.Settlement.Committed;
import io.tally.pipeline.CounterStore.Settlement.NotCommitted;
import io.tally.pipeline.CounterStore.Settlement.WriterGone;
import io.tally.pipeline.CounterStore.Sum;
import io.tally.pipeline.CounterStore.VersionedValue;
import io.tally.pipeline.CounterStore.Writes;
import io.tally.testing.Clients;
import java.time.Duration;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Random;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import reactor.core.publisher.Mono;
import reactor.util.retry.Retry;

/** What a {@link CounterStore} owes the pipeline. A store's test says how to make one, on an empty database. */
@Timeout(120)
public interface CounterStoreContract {

    /** The store; the same for all of a test. */
    CounterStore store();

    /** Its write side for a lane, closed by the store's test. */
    Writes writes(int lane);

    /** Moves the times of a stored counter into the past. */
    void age(CounterId counter, Duration by);

    /** The sum of the values of the stored periods that have ended. */
    long ended(CounterId counter);

    private static CounterId counter(String name) {
        return new CounterId("contract", name);
    }

    private static <T> T get(Mono<T> mono) {
        T value = mono.block();
        if (value == null) {
            throw new AssertionError("empty");
        }
        return value;
    }

    /** At the strictest level even this may have to be tried again. */
    private static long registered(Writes writes) {
        return get(writes.register()
                .retryWhen(Retry.indefinitely()
                        .filter(failure ->
                                failure instanceof StoreFailure known && known.kind() == StoreFailure.Kind.CONFLICT)));
    }

    private static Sum sum(String name, long delta) {
        return new Sum(counter(name), delta, 1);
    }

    private Added add(Writes writes, Fence fence, Sum... sums) {
        return get(writes.add(fence, List.of(sums), List.of()));
    }

    private List<Outcome> resolve(Writes writes, Fence fence, Operation... operations) {
        return resolve(writes, fence, Stream.of(operations).map(Command::of).toList());
    }

    private List<Outcome> resolve(Writes writes, Fence fence, List<Command> commands) {
        return get(resolved(writes, fence, commands)).outcomes();
    }

    private static Mono<Resolution> resolved(Writes writes, Fence fence, List<Command> commands) {
        return writes.resolve(fence, ReadSet.of(commands), states -> Resolver.resolve(states, commands));
    }

    private Map<CounterId, Counter> stored(List<CounterId> ids) {
        return get(store().read(ids)).counters();
    }

    private Counter read(String name) {
        return Objects.requireNonNull(stored(List.of(counter(name))).get(counter(name)));
    }

    private static void fails(StoreFailure.Kind kind, Mono<?> mono) {
        assertThatExceptionOfType(StoreFailure.class)
                .isThrownBy(mono::block)
                .satisfies(failure -> assertThat(failure.kind()).isEqualTo(kind));
    }

    @Test
    default void addsAndReportsInTheOrderOfTheSums() {
        Writes writes = writes(0);
        long writer = registered(writes);

        assertThat(add(writes, new Fence(writer, 1), sum("z", 3), sum("ü", -2), sum("a", 0))
                        .values())
                .containsExactly(new VersionedValue(3, 1), new VersionedValue(-2, 1), new VersionedValue(0, 1));
        assertThat(add(writes, new Fence(writer, 2), new Sum(counter("a"), 5, 4), sum("z", 1))
                        .values())
                .containsExactly(new VersionedValue(5, 5), new VersionedValue(4, 2));
        assertThat(stored(List.of(counter("a"), counter("z"), counter("absent"))))
                .hasSize(2)
                .hasEntrySatisfying(counter("a"), a -> assertThat(a.value()).isEqualTo(5));
    }

    @Test
    default void appliesASequenceOnce() {
        Writes writes = writes(0);
        long writer = registered(writes);
        add(writes, new Fence(writer, 1), sum("once", 1));

        fails(StoreFailure.Kind.FENCED, writes.add(new Fence(writer, 1), List.of(sum("once", 1)), List.of()));
        fails(StoreFailure.Kind.FENCED, writes.add(new Fence(writer, 3), List.of(sum("once", 1)), List.of()));
        fails(StoreFailure.Kind.FENCED, writes.add(new Fence(writer + 1_000, 1), List.of(sum("once", 1)), List.of()));
        fails(
                StoreFailure.Kind.FENCED,
                resolved(
                        writes,
                        new Fence(writer, 1),
                        List.of(Command.of(new Increment(counter("once"), 1, Precondition.NONE)))));
        assertThat(read("once").value()).isEqualTo(1);
    }

    /** Eight connections that race to send the same sequences: each must be applied by exactly one. */
    @Test
    default void appliesASequenceOnceHoweverManyRace() throws Exception {
        long writer = registered(writes(0));
        int sequences = 100;

        List<List<Long>> applied = Clients.atOnce(8, racer -> {
            Writes writes = writes(racer);
            List<Long> mine = new ArrayList<>();
            for (long sequence = 1; sequence <= sequences; ) {
                try {
                    add(writes, new Fence(writer, sequence), sum("raced", 1));
                    mine.add(sequence);
                    sequence++;
                } catch (StoreFailure failure) {
                    // Another was first: the fence is used up. A conflict says nothing: the same again.
                    sequence += failure.kind() == StoreFailure.Kind.FENCED ? 1 : 0;
                }
            }
            return mine;
        });

        List<Long> all = applied.stream().flatMap(List::stream).toList();
        assertThat(all).doesNotHaveDuplicates();
        assertThat(read("raced").value()).isEqualTo(all.size());
    }

    @Test
    default void leavesOutWhatMayBeRefused() {
        Writes writes = writes(0);
        long writer = registered(writes);
        resolve(
                writes,
                new Fence(writer, 1),
                new Create(counter("bounded"), new NewCounter(1, new Bounds(0L, null)), Precondition.NONE),
                new Create(counter("high"), new NewCounter(Sum.VALUE_MAX + 1, Bounds.NONE), Precondition.NONE));

        assertThat(add(writes, new Fence(writer, 2), sum("bounded", -2), sum("free", 1), sum("high", 1))
                        .values())
                .containsExactly(null, new VersionedValue(1, 1), null);
        assertThat(read("bounded").value()).isEqualTo(1);
    }

    private static Sum mixed(String name, long delta, long lowest, long highest) {
        return new Sum(counter(name), delta, 2, new Reach(lowest, highest));
    }

    @Test
    default void addsWhatStaysWithinBoundsOnItsWay() {
        Writes writes = writes(0);
        long writer = registered(writes);
        Bounds bounds = new Bounds(0L, 10L);
        resolve(
                writes,
                new Fence(writer, 1),
                Stream.of("a", "b", "c", "d", "\"e\\\u00FC", "f")
                        .map(name ->
                                (Operation) new Create(counter(name), new NewCounter(5, bounds), Precondition.NONE))
                        .toArray(Operation[]::new));

        assertThat(add(
                                writes,
                                new Fence(writer, 2),
                                sum("a", 5),
                                sum("b", -5),
                                mixed("c", 1, -5, 5),
                                mixed("d", 1, -6, 5),
                                mixed("\"e\\\u00FC", 1, -5, 6),
                                sum("f", 6))
                        .values())
                .containsExactly(
                        new VersionedValue(10, 2),
                        new VersionedValue(0, 2),
                        new VersionedValue(6, 3),
                        null,
                        null,
                        null);
        assertThat(read("d")).extracting(Counter::value, Counter::version).containsExactly(5L, 1L);
        assertThat(add(writes, new Fence(writer, 3), sum("a", 1), sum("b", -1), mixed("new", 1, -20, 20))
                        .values())
                .containsExactly(null, null, new VersionedValue(1, 2));
    }

    /** Each sum alone in its batch: a store may have a statement for one counter. */
    @Test
    default void addsToOneCounter() {
        Writes writes = writes(0);
        long writer = registered(writes);
        NewCounter bounded = new NewCounter(5, new Bounds(0L, 10L));
        resolve(
                writes,
                new Fence(writer, 1),
                new Create(counter("bounded"), bounded, Precondition.NONE),
                new Create(counter("\"e\\\u00FC"), bounded, Precondition.NONE),
                new Create(counter("high"), new NewCounter(Sum.VALUE_MAX, Bounds.NONE), Precondition.NONE));
        List<Sum> sums = List.of(
                sum("new", -7),
                new Sum(counter("new"), 9, 3),
                mixed("new", 0, -20, 20),
                sum("high", 1),
                sum("bounded", 6),
                sum("bounded", -6),
                mixed("bounded", 1, -6, 5),
                mixed("bounded", 1, -5, 6),
                mixed("bounded", 1, -5, 5),
                sum("\"e\\\u00FC", 5),
                existing("absent", 1),
                existing("new", 1));

        List<@Nullable VersionedValue> values = new ArrayList<>();
        for (Sum sum : sums) {
            Fence fence = new Fence(writer, values.size() + 2L);
            Added added = add(writes, fence, sum);
            assertThat(committed(writes, fence).added()).isEqualTo(added);
            fails(StoreFailure.Kind.FENCED, writes.add(fence, List.of(sum), List.of()));
            values.addAll(added.values());
        }

        assertThat(values)
                .containsExactly(
                        new VersionedValue(-7, 1),
                        new VersionedValue(2, 4),
                        new VersionedValue(2, 6),
                        null,
                        null,
                        null,
                        null,
                        null,
                        new VersionedValue(6, 3),
                        new VersionedValue(10, 2),
                        null,
                        new VersionedValue(3, 7));
        assertThat(read("bounded").value()).isEqualTo(6);
        assertThat(stored(List.of(counter("absent")))).isEmpty();
    }

    @Test
    default void addsKeyedWhatStaysWithinBoundsOnItsWay() {
        Writes writes = writes(0);
        long writer = registered(writes);
        resolve(
                writes,
                new Fence(writer, 1),
                Stream.of("a", "b")
                        .map(name -> (Operation)
                                new Create(counter(name), new NewCounter(5, new Bounds(0L, 10L)), Precondition.NONE))
                        .toArray(Operation[]::new));

        Added first = get(writes.add(
                new Fence(writer, 2),
                List.of(new Sum(counter("a"), 2, 1), new Sum(counter("b"), 2, 1)),
                List.of(keyed(0, "k1", 11, 3), keyed(1, "k2", 12, 4))));
        assertThat(first.values()).containsExactly(new VersionedValue(7, 2), null);
        assertThat(first.keyed()).containsExactly(fresh(10, 3), null);

        // A known key does not move the counter again.
        Added second = get(writes.add(
                new Fence(writer, 3),
                List.of(new Sum(counter("a"), 0, 0), mixed("b", 5, -1, 5)),
                List.of(keyed(0, "k1", 11, 3), keyed(1, "k2", 12, -5))));
        assertThat(second.keyed().getFirst()).isEqualTo(new KeyedValue(new VersionedValue(10, 3), 11L));
        assertThat(second.values()).containsExactly(null, new VersionedValue(10, 3));
        assertThat(second.keyed().getLast()).isEqualTo(fresh(5, 4));
    }

    /** The fast statement takes a group where, and only where, none of its operations would be refused. */
    @Test
    default void fastAndDecidedOutcomesAreEqual() {
        Writes writes = writes(0);
        long writer = registered(writes);
        Random random = new Random(22);
        int fast = 0;
        long sequence = 0;
        for (int history = 0; history < 60; history++) {
            NewCounter state = new NewCounter(random.nextInt(7), new Bounds(0L, 6L));
            CounterId one = counter("fast-" + history);
            CounterId other = counter("decided-" + history);
            resolve(
                    writes,
                    new Fence(writer, ++sequence),
                    new Create(one, state, Precondition.NONE),
                    new Create(other, state, Precondition.NONE));
            int operations = random.nextInt(1, 8);
            // The fast statement adds those with keys after the others.
            int unkeyed = random.nextBoolean() ? operations : random.nextInt(operations + 1);
            List<Command> commands = new ArrayList<>();
            List<Command> same = new ArrayList<>();
            for (int i = 0; i < operations; i++) {
                int delta = random.nextInt(-2, 3);
                IdempotencyKey key = i < unkeyed ? null : key(history + "-" + i);
                commands.add(Command.of(new Increment(one, delta, Precondition.NONE), key));
                same.add(Command.of(
                        new Increment(other, delta, Precondition.NONE),
                        key == null ? null : key("same-" + key.text())));
            }
            Map<Integer, Outcome> outcomes = new HashMap<>();
            List<PendingRequest<Command, Outcome>> requests = IntStream.range(0, operations)
                    .mapToObj(i -> new PendingRequest<Command, Outcome>(
                            commands.get(i), outcome -> outcomes.put(i, outcome), 0))
                    .toList();
            IncrementWrite write = new IncrementWrite(
                    Coalescer.coalesce(requests, counter -> false, counter -> false)
                            .increments(),
                    new RecentSet<>(1));
            boolean leftOut = !write.answer(get(write.send(writes, new Fence(writer, ++sequence))))
                    .isEmpty();
            Resolution decided = get(resolved(writes, new Fence(writer, sequence + 1), same));
            sequence += decided.isEmpty() ? 0 : 1;

            boolean refused = !decided.outcomes().stream().allMatch(Success.class::isInstance);
            assertThat(!leftOut && refused).as("%s of %s", commands, state).isFalse();
            assertThat(leftOut && !refused && unkeyed == operations)
                    .as("%s of %s", commands, state)
                    .isFalse();
            if (!leftOut) {
                fast++;
                assertThat(IntStream.range(0, operations).mapToObj(outcomes::get))
                        .containsExactlyElementsOf(decided.outcomes());
            }
        }
        assertThat(fast).isBetween(10, 50);
    }

    @Test
    default void readsCountersAndKeysWithoutALock() {
        Writes writes = writes(0);
        long writer = registered(writes);
        resolve(
                writes,
                new Fence(writer, 1),
                new Create(counter("a"), new NewCounter(5, new Bounds(0L, 10L)), Precondition.NONE));
        get(writes.add(new Fence(writer, 2), List.of(new Sum(counter("a"), 0, 0)), List.of(keyed(0, "known", 11, 3))));

        StoredState state = get(writes.read(new ReadSet(
                List.of(counter("a"), counter("absent")), List.of(), List.of(key("known"), key("unknown")))));

        assertThat(state.counters()).containsOnlyKeys(counter("a"));
        assertThat(state.counters().values()).extracting(Counter::value).containsExactly(8L);
        assertThat(state.records()).containsOnlyKeys(key("known"));
    }

    private static IdempotencyKey key(String text) {
        return new IdempotencyKey("contract", text);
    }

    private static Keyed keyed(int sum, String key, long fingerprint, long delta) {
        return new Keyed(sum, key(key), fingerprint, delta);
    }

    @Test
    default void addsUnderAKeyOnce() {
        Writes writes = writes(0);
        long writer = registered(writes);

        Added first = get(writes.add(
                new Fence(writer, 1),
                List.of(new Sum(counter("a"), 5, 2), new Sum(counter("b"), 0, 0)),
                List.of(keyed(0, "k1", 11, 10), keyed(1, "k2", 12, 20), keyed(0, "k3", 13, 30))));
        assertThat(first)
                .isEqualTo(new Added(
                        List.of(new VersionedValue(5, 2), new VersionedValue(0, 0)),
                        List.of(fresh(15, 3), fresh(20, 1), fresh(45, 4))));

        Added second = get(writes.add(
                new Fence(writer, 2),
                List.of(new Sum(counter("a"), 5, 1), new Sum(counter("b"), 0, 0)),
                List.of(keyed(0, "k1", 11, 10), keyed(1, "k2", 99, 1), keyed(0, "k4", 14, 1))));
        assertThat(second.values()).containsExactly(new VersionedValue(50, 5), null);
        assertThat(second.keyed())
                .containsExactly(
                        new KeyedValue(new VersionedValue(15, 3), 11L),
                        new KeyedValue(new VersionedValue(20, 1), 12L),
                        fresh(51, 6));
        assertThat(read("a").value()).isEqualTo(51);
        assertThat(read("a").version()).isEqualTo(6);
        assertThat(read("b").version()).isEqualTo(1);
        assertThat(committed(writes, new Fence(writer, 2)).added()).isEqualTo(second);
        // What a batch without keys leaves behind says nothing of keys.
        Added third = add(writes, new Fence(writer, 3), sum("a", 1));
        assertThat(committed(writes, new Fence(writer, 3)).added()).isEqualTo(third);
    }

    private static Committed committed(Writes writes, Fence fence) {
        return (Committed) get(writes.settle(fence));
    }

    private static KeyedValue fresh(long value, long version) {
        return new KeyedValue(new VersionedValue(value, version), null);
    }

    /** Batches with new keys, with stored keys, and with both, in any order: a store may assume that all are new. */
    @Test
    default void addsUnderEachKeyOnceInManyBatches() {
        Writes writes = writes(0);
        long writer = registered(writes);
        Random random = new Random(7);
        List<String> names = List.of("a", "\"\u00FC\\");
        long[] values = new long[names.size()];
        long[] versions = new long[names.size()];
        Map<Integer, VersionedValue> stored = new HashMap<>();
        int next = 0;
        for (long sequence = 1; sequence <= 150; sequence++) {
            // Long runs without a stored key, and some of stored keys only.
            boolean allNew = sequence % 50 < 25;
            List<Integer> keys = new ArrayList<>();
            for (int i = random.nextInt(1, 5); i > 0; i--) {
                keys.add(allNew || next < 9 || random.nextInt(3) == 0 ? next++ : next - 1 - 2 * i);
            }
            keys = keys.stream().distinct().toList();
            List<Sum> sums = new ArrayList<>();
            for (int i = 0; i < names.size(); i++) {
                int operations = random.nextInt(2);
                sums.add(new Sum(counter(names.get(i)), 7L * operations, operations));
                values[i] += 7L * operations;
                versions[i] += operations;
            }
            List<Keyed> keyed = new ArrayList<>();
            List<@Nullable KeyedValue> expected = new ArrayList<>();
            for (int key : keys) {
                int place = key % names.size();
                keyed.add(keyed(place, "key" + key, key, key));
                VersionedValue known = stored.get(key);
                if (known == null) {
                    values[place] += key;
                    versions[place]++;
                    known = new VersionedValue(values[place], versions[place]);
                    stored.put(key, known);
                    expected.add(new KeyedValue(known, null));
                } else {
                    expected.add(new KeyedValue(known, (long) key));
                }
            }
            Fence fence = new Fence(writer, sequence);
            Added added = get(writes.add(fence, sums, keyed));
            assertThat(added.keyed()).as("batch %s", sequence).isEqualTo(expected);
            assertThat(committed(writes, fence).added()).isEqualTo(added);
            fails(StoreFailure.Kind.FENCED, writes.add(fence, sums, keyed));
        }
        for (int i = 0; i < names.size(); i++) {
            assertThat(read(names.get(i)))
                    .extracting(Counter::value, Counter::version)
                    .containsExactly(values[i], versions[i]);
        }
    }

    @Test
    default void keepsAKeyFreeThatItLeavesOut() {
        Writes writes = writes(0);
        long writer = registered(writes);
        resolve(
                writes,
                new Fence(writer, 1),
                new Create(counter("bounded"), new NewCounter(0, new Bounds(null, 9L)), Precondition.NONE));

        Added added = get(writes.add(
                new Fence(writer, 2),
                List.of(new Sum(counter("bounded"), 9, 1), new Sum(counter("free"), 0, 0)),
                List.of(keyed(0, "k", 1, 1), keyed(1, "l", 2, 2))));
        assertThat(added.values()).containsExactly(null, new VersionedValue(0, 0));
        assertThat(added.keyed()).containsExactly(null, fresh(2, 1));

        Command command = Command.of(new Increment(counter("bounded"), 4, Precondition.NONE), key("k"));
        assertThat(resolve(writes, new Fence(writer, 3), List.of(command))).containsExactly(new Incremented(4, 2, 4));
        assertThat(resolve(writes, new Fence(writer, 4), List.of(command)))
                .containsExactly(new Replayed(new Incremented(4, 2, 4)));
    }

    /** Every kind of stored result is replayed unchanged. */
    @Test
    default void remembersEveryKindOfResult() {
        Writes writes = writes(0);
        long writer = registered(writes);
        resolve(
                writes,
                new Fence(writer, 1),
                new Create(counter("kept"), new NewCounter(1, new Bounds(0L, 100L)), Precondition.NONE),
                new Create(counter("removed"), new NewCounter(1, Bounds.NONE), Precondition.NONE));
        List<Command> commands = List.of(
                Command.of(new Increment(counter("kept"), 2, Precondition.EXISTS), key("increment")),
                Command.of(
                        new Amend(counter("kept"), 7L, null, Edit.keep(), new Edit.Set<>(null), Precondition.EXISTS),
                        key("amend")),
                Command.of(new Delete(counter("removed"), Precondition.NONE), key("delete")),
                Command.of(
                        new Transaction(List.of(
                                new Increment(counter("kept"), -7, Precondition.NONE),
                                new Increment(counter("made"), 3, Precondition.NONE),
                                new Increment(counter("kept"), 1, Precondition.NONE))),
                        new IdempotencyKey(IdempotencyKey.TRANSACTIONS, "transaction")));

        List<Outcome> first = resolve(writes, new Fence(writer, 2), commands);
        List<Outcome> again = resolve(writes, new Fence(writer, 3), commands);

        assertThat(first).allMatch(Success.class::isInstance);
        assertThat(again)
                .isEqualTo(first.stream()
                        .map(outcome -> (Outcome) new Replayed((Success) outcome))
                        .toList());
        assertThat(read("kept").value()).isEqualTo(1);
        assertThat(read("kept").version()).isEqualTo(5);
    }

    @Test
    default void leavesNothingOfWhatItClaimedForNothing() {
        Writes writes = writes(0);
        long writer = registered(writes);
        resolve(
                writes,
                new Fence(writer, 1),
                new Create(counter("full"), new NewCounter(1, new Bounds(null, 1L)), Precondition.NONE));

        List<Outcome> outcomes = resolve(
                writes,
                new Fence(writer, 2),
                new Increment(counter("made"), 1, Precondition.NONE),
                new Transaction(List.of(
                        new Increment(counter("unmade"), 1, Precondition.NONE),
                        new Increment(counter("full"), 1, Precondition.NONE))));

        assertThat(outcomes.getFirst()).isEqualTo(new Incremented(1, 1, 1));
        assertThat(outcomes.getLast()).isInstanceOf(TransactionRefused.class);
        assertThat(stored(List.of(counter("made"), counter("unmade")))).containsOnlyKeys(counter("made"));
    }

    /**
     * Connections race with the same keys on the same counters: each key is applied once, even after lost responses.
     */
    @Test
    default void appliesAKeyOnceHoweverManyRace() throws Exception {
        int racers = 6;
        int batches = 15;
        List<List<KeyedValue>> answered = Clients.atOnce(racers, racer -> {
            Writes writes = writes(racer);
            long writer = registered(writes);
            List<KeyedValue> mine = new ArrayList<>();
            for (long sequence = 1; sequence <= batches; ) {
                List<Keyed> keyed = new ArrayList<>();
                for (int i = 0; i < 10; i++) {
                    keyed.add(keyed(i % 3, "batch" + sequence + "-" + i, i, 1));
                }
                Collections.shuffle(keyed);
                List<Sum> sums = IntStream.range(0, 3)
                        .mapToObj(i -> new Sum(counter("keyed" + i), 0, 0))
                        .toList();
                try {
                    mine.addAll(get(writes.add(new Fence(writer, sequence), sums, keyed))
                            .keyed());
                    sequence++;
                } catch (StoreFailure failure) {
                    assertThat(failure.kind()).isEqualTo(StoreFailure.Kind.CONFLICT);
                    assertThat(failure.reason()).isNotEqualTo(StoreFailure.Cause.DEADLOCK);
                }
            }
            return mine;
        });

        List<KeyedValue> all = answered.stream().flatMap(List::stream).toList();
        assertThat(all).hasSize(racers * batches * 10);
        assertThat(all.stream().filter(keyed -> keyed.known() == null)).hasSize(batches * 10);
        assertThat(read("keyed0").value()
                        + read("keyed1").value()
                        + read("keyed2").value())
                .isEqualTo(batches * 10L);
    }

    /** Sums, and decisions that make counters between others that exist: all take rows in one order. */
    @Test
    default void makesCountersWithoutADeadlock() throws Exception {
        int racers = 6;
        List<Integer> deadlocks = Clients.atOnce(racers, racer -> {
            Writes writes = writes(racer);
            long writer = registered(writes);
            int deadlocked = 0;
            for (long sequence = 1; sequence <= 60; ) {
                long next = sequence;
                List<CounterId> ids = new ArrayList<>(IntStream.range(0, 8)
                        .mapToObj(i -> counter("round" + i + (i % 2 == 0 ? "/" + next : "")))
                        .toList());
                Collections.shuffle(ids);
                try {
                    if (racer % 2 == 0) {
                        get(writes.add(
                                new Fence(writer, sequence),
                                ids.stream().map(id -> new Sum(id, 1, 1)).toList(),
                                List.of()));
                    } else {
                        resolve(
                                writes,
                                new Fence(writer, sequence),
                                new Transaction(ids.stream()
                                        .map(id -> new Increment(id, 1, Precondition.NONE))
                                        .toList()));
                    }
                    sequence++;
                } catch (StoreFailure failure) {
                    assertThat(failure.kind()).isEqualTo(StoreFailure.Kind.CONFLICT);
                    deadlocked += failure.reason() == StoreFailure.Cause.DEADLOCK ? 1 : 0;
                }
            }
            return deadlocked;
        });

        assertThat(deadlocks).containsOnly(0);
    }

    @Test
    default void settlesWhatWasCommitted() {
        Writes writes = writes(0);
        long writer = registered(writes);
        add(writes, new Fence(writer, 1), sum("settled", 7), sum("other", 1));

        assertThat(committed(writes(1), new Fence(writer, 1)).added())
                .isEqualTo(new Added(List.of(new VersionedValue(7, 1), new VersionedValue(1, 1)), List.of()));
        resolve(writes, new Fence(writer, 2), new Delete(counter("other"), Precondition.NONE));
        assertThat(get(writes.settle(new Fence(writer, 2)))).isInstanceOf(Committed.class);
    }

    @Test
    default void aBatchSettledAsNotCommittedNeverCommits() {
        Writes writes = writes(0);
        long writer = registered(writes);

        assertThat(get(writes.settle(new Fence(writer, 1)))).isEqualTo(new NotCommitted());
        assertThat(get(writes.settle(new Fence(writer, 1)))).isEqualTo(new NotCommitted());
        fails(StoreFailure.Kind.FENCED, writes.add(new Fence(writer, 1), List.of(sum("late", 1)), List.of()));
        assertThat(add(writes, new Fence(writer, 2), sum("late", 1)).values())
                .containsExactly(new VersionedValue(1, 1));
    }

    @Test
    default void settlesNothingForAWriterThatIsGone() {
        Writes writes = writes(0);
        long writer = registered(writes);
        add(writes, new Fence(writer, 1), sum("a", 1));
        writes.retire(writer).block();

        assertThat(get(writes.settle(new Fence(writer, 2)))).isEqualTo(new WriterGone());
    }

    @Test
    default void resolvesUnderLock() {
        Writes writes = writes(0);
        long writer = registered(writes);
        CounterId id = counter("stock");

        List<Outcome> outcomes = resolve(
                writes,
                new Fence(writer, 1),
                new Create(id, new NewCounter(2, new Bounds(0L, 3L)), Precondition.NONE),
                new Increment(id, -1, Precondition.NONE),
                new Increment(id, 9, Precondition.NONE));

        assertThat(outcomes).hasSize(3);
        Counter stored = read("stock");
        assertThat(stored.value()).isEqualTo(1);
        assertThat(stored.version()).isEqualTo(2);
        assertThat(stored.bounds()).isEqualTo(new Bounds(0L, 3L));
        assertThat(stored.initial()).isEqualTo(2);
        assertThat(resolve(
                        writes,
                        new Fence(writer, 2),
                        new Create(id, new NewCounter(5, Bounds.NONE), Precondition.NONE)))
                .containsExactly(new Found(stored));
        // Nothing was applied, so the fence was not used.
        resolve(
                writes,
                new Fence(writer, 2),
                new Delete(id, Precondition.NONE),
                new Create(id, new NewCounter(8, Bounds.NONE), Precondition.NONE));
        assertThat(read("stock").value()).isEqualTo(8);
        assertThat(read("stock").initial()).isEqualTo(8);
        assertThat(read("stock").version()).isEqualTo(1);
        resolve(writes, new Fence(writer, 3), new Delete(id, Precondition.NONE));
        assertThat(stored(List.of(id))).isEmpty();
    }

    /** Nothing is added and no version moves, and the key is stored nevertheless. */
    @Test
    default void storesTheKeyOfAnIncrementThatDidNotFit() {
        Writes writes = writes(0);
        long writer = registered(writes);
        NewCounter full = new NewCounter(5, new Bounds(null, 5L));
        Command command = Command.of(new Increment(counter("full"), 3, full, true, Precondition.NONE), key("at-most"));

        IncrementedAtMost created = new IncrementedAtMost(new Incremented(5, 1, 0));
        assertThat(resolve(writes, new Fence(writer, 1), List.of(command))).containsExactly(created);
        Command other = Command.of(command.operation(), key("another"));
        assertThat(resolve(writes, new Fence(writer, 2), List.of(other))).containsExactly(created);
        for (Command again : List.of(command, other)) {
            assertThat(resolve(writes, new Fence(writer, 3), List.of(again))).containsExactly(new Replayed(created));
        }
        assertThat(read("full").version()).isEqualTo(1);
        assertThat(read("full").initial()).isEqualTo(5);
    }

    /** Two instances that both see a counter absent: one makes it, the other has to look again. */
    @Test
    default void makesACounterOnceHoweverManyRace() throws Exception {
        List<List<Outcome>> outcomes = Clients.atOnce(8, racer -> {
            Writes writes = writes(racer);
            long writer = registered(writes);
            List<Outcome> mine = new ArrayList<>();
            for (int i = 0; i < 20; i++) {
                Create create = new Create(counter("made" + i), new NewCounter(racer, Bounds.NONE), Precondition.NONE);
                mine.addAll(settledConflicts(writes, writer, create));
            }
            return mine;
        });

        List<Outcome> all = outcomes.stream().flatMap(List::stream).toList();
        assertThat(all).hasSize(160);
        assertThat(all.stream().filter(Created.class::isInstance)).hasSize(20);
    }

    private List<Outcome> settledConflicts(Writes writes, long writer, Create create) {
        long sequence = 1;
        while (true) {
            try {
                return resolve(writes, new Fence(writer, sequence), create);
            } catch (StoreFailure failure) {
                switch (failure.kind()) {
                    case CONFLICT -> {}
                    case FENCED -> sequence++;
                    default -> throw failure;
                }
            }
        }
    }

    /** Batches over the same counters from many lanes, in any order: no deadlock that is not mended, no update lost. */
    @Test
    default void addsFromManyLanesAtOnce() throws Exception {
        int lanes = 6;
        int batches = 30;
        int counters = 20;
        List<Integer> conflicts = Clients.atOnce(lanes, lane -> {
            Writes writes = writes(lane);
            long writer = registered(writes);
            int conflicted = 0;
            for (long sequence = 1; sequence <= batches; ) {
                List<Sum> sums = new ArrayList<>(IntStream.range(0, counters)
                        .mapToObj(i -> sum("shared" + i, 1))
                        .toList());
                Collections.shuffle(sums);
                try {
                    get(writes.add(new Fence(writer, sequence), sums, List.of()));
                    sequence++;
                } catch (StoreFailure failure) {
                    assertThat(failure.kind()).isEqualTo(StoreFailure.Kind.CONFLICT);
                    conflicted++;
                }
            }
            return conflicted;
        });

        Map<CounterId, Counter> stored = stored(IntStream.range(0, counters)
                .mapToObj(i -> counter("shared" + i))
                .toList());
        assertThat(stored.values()).hasSize(counters).allMatch(counter -> counter.value() == (long) lanes * batches);
        assertThat(conflicts).hasSize(lanes);
    }

    @Test
    default void fastAndDecidedWritesTreatTimeAlike() {
        Writes writes = writes(0);
        long writer = registered(writes);
        Instant anchor = Instant.now().truncatedTo(ChronoUnit.SECONDS).minus(Duration.ofHours(10));
        Bounds bounds = new Bounds(null, 100L);
        NewCounter periods =
                new NewCounter(5, bounds, Recurrence.of("PT1000H", anchor.toString(), null), /* expiry= */ null);
        NewCounter expiring = new NewCounter(5, bounds, /* recurrence= */ null, new Expiry.After(9_999));
        List<String> names = List.of("inside", "over", "alive", "expired");
        resolve(
                writes,
                new Fence(writer, 1),
                new Create(counter("inside"), periods, Precondition.NONE),
                new Create(counter("over"), periods, Precondition.NONE),
                new Create(counter("alive"), expiring, Precondition.NONE),
                new Create(counter("expired"), expiring, Precondition.NONE));
        age(counter("over"), Duration.ofHours(2_000));
        age(counter("expired"), Duration.ofSeconds(9_999));

        Added plain = get(writes.add(
                new Fence(writer, 2), names.stream().map(name -> sum(name, 1)).toList(), List.of()));
        assertThat(plain.values()).containsExactly(new VersionedValue(6, 2), null, new VersionedValue(6, 2), null);
        Added existing = get(writes.add(
                new Fence(writer, 3),
                names.stream().map(name -> existing(name, 1)).toList(),
                List.of()));
        assertThat(existing.values()).containsExactly(new VersionedValue(7, 3), null, new VersionedValue(7, 3), null);
        Added keyed = get(writes.add(
                new Fence(writer, 4),
                names.stream().map(name -> new Sum(counter(name), 0, 0)).toList(),
                IntStream.range(0, names.size())
                        .mapToObj(i -> new Keyed(i, new IdempotencyKey("n", names.get(i)), 7, 1))
                        .toList()));
        assertThat(keyed.keyed())
                .containsExactly(
                        new KeyedValue(new VersionedValue(8, 4), null),
                        null,
                        new KeyedValue(new VersionedValue(8, 4), null),
                        null);

        List<Outcome> decided = resolve(
                writes,
                new Fence(writer, 5),
                names.stream()
                        .map(name -> Command.of(new Increment(counter(name), 1, Precondition.NONE)))
                        .toList());
        assertThat(decided)
                .containsExactly(
                        new Incremented(9, 5, 1),
                        new Incremented(6, 4, 1),
                        new Incremented(9, 5, 1),
                        new Incremented(1, 1, 1));
        assertThat(get(writes.add(
                                new Fence(writer, 6),
                                names.stream().map(name -> sum(name, 1)).toList(),
                                List.of()))
                        .values())
                .containsExactly(
                        new VersionedValue(10, 6),
                        new VersionedValue(7, 5),
                        new VersionedValue(10, 6),
                        new VersionedValue(2, 2));
        assertThat(ended(counter("over"))).isEqualTo(5);
    }

    @Test
    default void countsEachOperationInOnePeriodHoweverManyRace() throws Exception {
        CounterId id = counter("racing");
        NewCounter state = new NewCounter(0, new Bounds(null, 1_000_000L), Recurrence.of("PT1S", null, null), null);
        Writes first = writes(0);
        resolve(first, new Fence(registered(first), 1), new Create(id, state, Precondition.NONE));
        long deadline = System.nanoTime() + Duration.ofMillis(2_500).toNanos();

        List<Integer> added = Clients.atOnce(4, racer -> {
            Writes writes = writes(1 + racer);
            long writer = registered(writes);
            int applied = 0;
            long sequence = 1;
            while (System.nanoTime() - deadline < 0) {
                Fence fence = new Fence(writer, sequence);
                try {
                    if (add(writes, fence, sum("racing", 1)).values().getFirst() == null) {
                        sequence++;
                        resolved(writes, new Fence(writer, sequence), new Increment(id, 1, Precondition.NONE));
                    }
                    sequence++;
                    applied++;
                } catch (StoreFailure failure) {
                    assertThat(failure.kind()).isEqualTo(StoreFailure.Kind.CONFLICT);
                }
            }
            return applied;
        });

        assertThat(ended(id)).isPositive();
        assertThat(ended(id) + read("racing").value())
                .isEqualTo(added.stream().mapToInt(Integer::intValue).sum());
    }

    @Test
    default void leavesOutWhatNeedsAnExistingCounter() {
        Writes writes = writes(0);
        long writer = registered(writes);
        add(writes, new Fence(writer, 1), sum("there", 1));
        IdempotencyKey key = new IdempotencyKey("n", "needs one");

        Added added = get(writes.add(
                new Fence(writer, 2),
                List.of(existing("absent", 1), existing("there", 1), sum("made", 1), existing("keyed", 0)),
                List.of(new Keyed(3, key, 7, 1))));

        assertThat(added.values()).containsExactly(null, new VersionedValue(2, 2), new VersionedValue(1, 1), null);
        assertThat(added.keyed()).containsExactly((KeyedValue) null);
        assertThat(stored(List.of(counter("absent"), counter("there"), counter("made"), counter("keyed"))))
                .containsOnlyKeys(counter("there"), counter("made"));
    }

    private static Sum existing(String name, int operations) {
        return new Sum(counter(name), operations, operations, null, true);
    }

    /** One creates and deletes the counter, the others add to it: only its creator may create it. */
    @Test
    default void createsNothingThatMustExistHoweverManyRace() throws Exception {
        int rounds = 100;
        AtomicBoolean over = new AtomicBoolean();
        CounterId id = counter("fleeting");
        Create create = new Create(id, new NewCounter(0, new Bounds(null, 1_000_000L)), Precondition.NONE);
        List<Integer> added = Clients.atOnce(4, racer -> {
            Writes writes = writes(racer);
            long writer = registered(writes);
            if (racer > 0) {
                return addUntil(over, writes, writer);
            }
            try {
                for (long round = 0; round < rounds; round++) {
                    assertThat(resolved(writes, new Fence(writer, 2 * round + 1), create))
                            .isInstanceOf(Created.class);
                    assertThat(resolved(writes, new Fence(writer, 2 * round + 2), new Delete(id, Precondition.NONE)))
                            .isEqualTo(new Outcome.Deleted());
                }
            } finally {
                over.set(true);
            }
            return 0;
        });
        assertThat(added.stream().mapToInt(Integer::intValue).sum()).isPositive();
        assertThat(stored(List.of(id))).isEmpty();
    }

    private int addUntil(AtomicBoolean over, Writes writes, long writer) {
        int applied = 0;
        long sequence = 1;
        while (!over.get()) {
            try {
                Added added = get(writes.add(
                        new Fence(writer, sequence), List.of(existing("fleeting", 1), sum("beside", 1)), List.of()));
                applied += added.values().getFirst() == null ? 0 : 1;
                sequence++;
            } catch (StoreFailure failure) {
                assertThat(failure.kind()).isIn(StoreFailure.Kind.CONFLICT, StoreFailure.Kind.BAD_OPERATION);
            }
        }
        return applied;
    }

    private Outcome resolved(Writes writes, Fence fence, Operation operation) {
        while (true) {
            try {
                return resolve(writes, fence, operation).getFirst();
            } catch (StoreFailure failure) {
                assertThat(failure.kind()).isEqualTo(StoreFailure.Kind.CONFLICT);
            }
        }
    }

    private static MemberMove move(int place, String counter, String member, boolean joins) {
        return new MemberMove(place, new MemberId(counter(counter), member), joins);
    }

    @Test
    default void movesMembersAndTheirCountersTogether() {
        Writes writes = writes(0);
        long writer = registered(writes);
        List<CounterId> counters = List.of(counter("liked"), counter("plain"), counter("absent"));
        add(writes, new Fence(writer, 1), sum("plain", 5));
        resolve(writes, new Fence(writer, 2), new Join(new MemberId(counter("liked"), "ann")));

        MoveResult result = get(writes.move(
                new Fence(writer, 3),
                counters,
                List.of(
                        move(0, "liked", "ann", true),
                        move(0, "liked", "bob", true),
                        move(1, "plain", "ann", true),
                        move(2, "absent", "ann", true),
                        move(0, "liked", "zoe", false),
                        move(0, "liked", "ünal", true))));

        assertThat(result.values()).containsExactly(new VersionedValue(3, 3), null, null);
        assertThat(result.moved()).containsExactly(false, true, null, null, false, true);
        assertThat(read("liked").value()).isEqualTo(3);
        assertThat(read("plain").value()).isEqualTo(5);
        assertThat(committed(writes, new Fence(writer, 3)).moves()).isEqualTo(result);
        fails(StoreFailure.Kind.FENCED, writes.move(new Fence(writer, 3), counters, List.of()));

        MoveResult away = get(writes.move(
                new Fence(writer, 4),
                List.of(counter("liked")),
                List.of(
                        move(0, "liked", "ann", false),
                        move(0, "liked", "bob", false),
                        move(0, "liked", "eve", true))));
        assertThat(away.values()).containsExactly(new VersionedValue(2, 6));
        assertThat(away.moved()).containsExactly(true, true, true);
    }

    @Test
    default void aCounterGoesWithItsMembers() {
        Writes writes = writes(0);
        long writer = registered(writes);
        MemberId ann = new MemberId(counter("gone"), "ann");
        MemberId bob = new MemberId(counter("gone"), "bob");
        resolve(writes, new Fence(writer, 1), new Join(ann), new Join(bob));

        List<Outcome> outcomes = resolve(
                writes,
                new Fence(writer, 2),
                new Delete(counter("gone"), Precondition.NONE),
                new Leave(ann),
                new Join(bob),
                new Join(bob));

        assertThat(outcomes)
                .containsExactly(
                        new Deleted(),
                        new Moved(false, false, 0, 0),
                        new Moved(true, true, 1, 1),
                        new Moved(true, false, 1, 1));
        assertThat(resolve(writes, new Fence(writer, 3), new Leave(ann), new Leave(bob)))
                .containsExactly(new Moved(false, false, 1, 1), new Moved(false, true, 0, 2));
    }

    /** Several writers race for few members, on both paths: at the end the value is the number of members. */
    @Test
    default void movesMembersFromManyLanesAtOnce() throws Exception {
        List<String> names = List.of("a", "b", "c", "d", "e", "f");
        Writes first = writes(0);
        resolve(first, new Fence(registered(first), 1), new Join(new MemberId(counter("club"), "a")));

        Clients.atOnce(4, lane -> {
            Writes writes = writes(lane + 1);
            Random random = new Random(lane);
            long writer = registered(writes);
            for (long sequence = 1; sequence <= 60; ) {
                List<String> shuffled = new ArrayList<>(names);
                Collections.shuffle(shuffled, random);
                List<MemberMove> moves = shuffled.subList(0, 3).stream()
                        .map(name -> move(0, "club", name, random.nextBoolean()))
                        .toList();
                try {
                    get(writes.move(new Fence(writer, sequence), List.of(counter("club")), moves));
                    sequence++;
                    resolve(
                            writes,
                            new Fence(writer, sequence),
                            new Leave(moves.getFirst().member()),
                            new Join(moves.getFirst().member()));
                    sequence++;
                } catch (StoreFailure failure) {
                    assertThat(failure.kind()).isEqualTo(StoreFailure.Kind.CONFLICT);
                }
            }
            return writer;
        });

        Writes last = writes(0);
        long value = read("club").value();
        List<Outcome> left = resolve(
                last,
                new Fence(registered(last), 1),
                names.stream()
                        .map(name -> Command.of(new Leave(new MemberId(counter("club"), name))))
                        .toList());
        assertThat(left.stream().map(Moved.class::cast).filter(Moved::moved)).hasSize((int) value);
        assertThat(read("club").value()).isZero();
    }
}
