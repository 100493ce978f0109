package io.tally.pipeline;

import io.tally.counter.Bounds;
import io.tally.counter.Counter;
import io.tally.counter.CounterId;
import io.tally.counter.IdempotencyKey;
import io.tally.counter.Kind;
import io.tally.counter.Outcome.Incremented;
import io.tally.idempotency.IdempotencyRecord;
import io.tally.pipeline.StoreFailure.Cause;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.function.Supplier;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;
import reactor.core.publisher.Mono;

/**
 * Plain counters in memory, with the fences, keys and bounds of the statements, and the faults that a test asks for.
 * For one thread at a time.
 */
final class MemoryCounterStore implements CounterStore {

    /** What happens to a call. */
    enum Fault {
        NONE,
        /** Rolled back; may be sent again at once. */
        CONFLICT,
        /** No connection; nothing was sent. */
        UNAVAILABLE,
        /** A missing right or table. */
        FATAL,
        /** The database refuses one of the operations. */
        BAD_OPERATION,
        /** Committed, and the answer was lost. */
        LOST_COMMITTED,
        /** Not committed, and the answer was lost. */
        LOST,
        /** Neither completes nor fails; commits when the test says so. */
        HANGS
    }

    private final Map<CounterId, Counter> counters = new HashMap<>();
    private final Map<IdempotencyKey, IdempotencyRecord> keys = new HashMap<>();
    private final Map<Long, Long> sequences = new HashMap<>();
    private final Map<Long, Added> outcomes = new HashMap<>();
    private final Supplier<Fault> faults;
    private final Supplier<Duration> latency;
    private final List<Runnable> hanging = new ArrayList<>();
    private long writers;
    private Instant now = Instant.EPOCH;

    /**
     * An empty store.
     *
     * @param faults asked once for each call that writes
     * @param latency of each call
     */
    MemoryCounterStore(Supplier<Fault> faults, Supplier<Duration> latency) {
        this.faults = faults;
        this.latency = latency;
    }

    void put(CounterId id, long value, Bounds bounds) {
        counters.put(
                id, new Counter(id, Kind.PLAIN, value, 1, bounds.nearest(0), bounds, Instant.EPOCH, Instant.EPOCH));
    }

    long value(CounterId id) {
        return Objects.requireNonNull(counters.get(id), "unknown counter").value();
    }

    /** Sets the clock of the database. */
    void setTime(Instant time) {
        now = time;
    }

    /** How many writers were registered. */
    long writers() {
        return writers;
    }

    /** Carries out the statements that hang; they are not answered. */
    void commitHanging() {
        hanging.forEach(Runnable::run);
        hanging.clear();
    }

    @Override
    public Writes writes(int lane) {
        return new MemoryWrites();
    }

    @Override
    public Duration callMax() {
        return Duration.ofMinutes(1);
    }

    @Override
    public Mono<StoredState> read(Collection<CounterId> ids) {
        return Mono.fromSupplier(() -> StoredState.of(
                ids.stream().filter(counters::containsKey).collect(Collectors.toMap(id -> id, counters::get)), now));
    }

    private final class MemoryWrites implements Writes {

        @Override
        public Mono<Long> register() {
            return called(() -> {
                writers++;
                sequences.put(writers, 0L);
                return writers;
            });
        }

        @Override
        public Mono<Added> add(Fence fence, List<Sum> sums, List<Keyed> keyed) {
            return called(() -> {
                use(fence);
                Added added = added(sums, keyed);
                outcomes.put(fence.writer(), added);
                return added;
            });
        }

        @Override
        public Mono<StoredState> read(ReadSet rows) {
            return called(() -> new StoredState(Map.copyOf(counters), Set.of(), Map.copyOf(keys), now));
        }

        @Override
        public Mono<Resolution> resolve(Fence fence, ReadSet readSet, Decision decision) {
            return called(() -> {
                require(fence);
                Resolution resolution =
                        decision.decide(new StoredState(Map.copyOf(counters), Set.of(), Map.copyOf(keys), now));
                if (!resolution.isEmpty()) {
                    use(fence);
                    outcomes.put(fence.writer(), new Added(List.of(), List.of()));
                    resolution.changes().forEach(this::write);
                    resolution.records().forEach(fresh -> keys.put(fresh.key(), fresh));
                }
                return resolution;
            });
        }

        private void write(Resolution.Change change) {
            Counter after = change.after();
            if (after == null) {
                counters.remove(change.counter());
            } else {
                counters.put(change.counter(), after);
            }
        }

        @Override
        public Mono<MoveResult> move(Fence fence, List<CounterId> counters, List<MemberMove> moves) {
            return Mono.error(new UnsupportedOperationException());
        }

        @Override
        public Mono<Settlement> settle(Fence fence) {
            return Mono.delay(latency.get()).map(over -> {
                boolean committed = sequenceOf(fence) == fence.sequence();
                sequences.put(fence.writer(), fence.sequence());
                return committed
                        ? new Settlement.Committed(
                                Objects.requireNonNull(outcomes.get(fence.writer())),
                                new MoveResult(List.of(), List.of()))
                        : new Settlement.NotCommitted();
            });
        }

        @Override
        public Mono<Void> retire(long writer) {
            return Mono.empty();
        }

        @Override
        public Mono<Void> probe() {
            return Mono.empty();
        }

        @Override
        public Mono<Void> close() {
            return Mono.empty();
        }
    }

    private <T> Mono<T> called(Supplier<T> statement) {
        return Mono.defer(() -> Mono.delay(latency.get())).flatMap(over -> called(faults.get(), statement));
    }

    private <T> Mono<T> called(Fault fault, Supplier<T> statement) {
        if (fault == Fault.HANGS) {
            hanging.add(() -> Objects.requireNonNull(statement.get()));
            return Mono.never();
        }
        return Mono.fromSupplier(() -> switch (fault) {
            case NONE -> statement.get();
            case HANGS -> throw new IllegalStateException("handled above");
            case CONFLICT -> throw failure(StoreFailure.Kind.CONFLICT);
            case UNAVAILABLE -> throw failure(StoreFailure.Kind.UNAVAILABLE);
            case FATAL -> throw failure(StoreFailure.Kind.FATAL);
            case BAD_OPERATION -> throw failure(StoreFailure.Kind.BAD_OPERATION);
            case LOST -> throw failure(StoreFailure.Kind.UNKNOWN);
            case LOST_COMMITTED -> throw lostAnswer(statement.get());
        });
    }

    private static StoreFailure lostAnswer(Object answer) {
        return new StoreFailure(StoreFailure.Kind.UNKNOWN, Cause.CONNECTION, "injected, instead of " + answer);
    }

    private static StoreFailure failure(StoreFailure.Kind kind) {
        return new StoreFailure(kind, Cause.CONNECTION, "injected");
    }

    private long sequenceOf(Fence fence) {
        return Objects.requireNonNull(sequences.get(fence.writer()), "unknown writer");
    }

    private void require(Fence fence) {
        if (sequenceOf(fence) != fence.sequence() - 1) {
            throw failure(StoreFailure.Kind.FENCED);
        }
    }

    private void use(Fence fence) {
        require(fence);
        sequences.put(fence.writer(), fence.sequence());
    }

    private Added added(List<Sum> sums, List<Keyed> keyed) {
        Set<Integer> leftOut = IntStream.range(0, sums.size())
                .filter(i -> isLeftOut(
                        sums.get(i),
                        keyed.stream()
                                .filter(one -> one.sum() == i && !keys.containsKey(one.key()))
                                .toList()))
                .boxed()
                .collect(Collectors.toSet());
        List<@Nullable VersionedValue> values = new ArrayList<>();
        for (int i = 0; i < sums.size(); i++) {
            Sum sum = sums.get(i);
            values.add(sum.operations() == 0 || leftOut.contains(i) ? null : add(sum, sum.delta(), sum.operations()));
        }
        List<@Nullable KeyedValue> keyedValues = new ArrayList<>();
        for (Keyed one : keyed) {
            keyedValues.add(keyedValue(one, sums.get(one.sum()), leftOut.contains(one.sum())));
        }
        return new Added(values, keyedValues);
    }

    private boolean isLeftOut(Sum sum, List<Keyed> unknown) {
        Counter counter = counters.get(sum.counter());
        if (counter == null) {
            return sum.existing();
        }
        long delta = sum.delta() + unknown.stream().mapToLong(Keyed::delta).sum();
        Reach reach = sum.reach() == null ? new Reach(Math.min(delta, 0), Math.max(delta, 0)) : sum.reach();
        return counter.isExpired(now)
                || counter.isPeriodOver(now)
                || !counter.bounds().admit(counter.value() + reach.lowest())
                || !counter.bounds().admit(counter.value() + reach.highest());
    }

    private @Nullable KeyedValue keyedValue(Keyed keyed, Sum sum, boolean leftOut) {
        IdempotencyRecord known = keys.get(keyed.key());
        if (known != null) {
            VersionedValue value = known.result() instanceof Incremented result
                    ? new VersionedValue(result.value(), result.version())
                    : new VersionedValue(0, 0);
            return new KeyedValue(value, known.fingerprint());
        }
        if (leftOut) {
            return null;
        }
        VersionedValue after = add(sum, keyed.delta(), 1);
        keys.put(
                keyed.key(),
                new IdempotencyRecord(
                        keyed.key(),
                        keyed.fingerprint(),
                        new Incremented(after.value(), after.version(), keyed.delta())));
        return new KeyedValue(after, null);
    }

    private VersionedValue add(Sum sum, long delta, int operations) {
        Counter before = counters.getOrDefault(
                sum.counter(),
                new Counter(sum.counter(), Kind.PLAIN, 0, 0, 0, Bounds.NONE, Instant.EPOCH, Instant.EPOCH));
        Counter after = new Counter(
                before.id(),
                before.kind(),
                before.value() + delta,
                before.version() + operations,
                before.initial(),
                before.bounds(),
                before.period(),
                before.expiresAt(),
                before.createdAt(),
                now);
        counters.put(after.id(), after);
        return new VersionedValue(after.value(), after.version());
    }
}
