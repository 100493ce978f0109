package io.tally.pipeline;

import io.tally.counter.Command;
import io.tally.counter.CounterId;
import io.tally.counter.IdempotencyKey;
import io.tally.counter.Operation.Increment;
import io.tally.counter.Outcome;
import io.tally.counter.Outcome.Incremented;
import io.tally.idempotency.IdempotencyRecord;
import io.tally.lane.PendingRequest;
import io.tally.pipeline.CounterStore.Added;
import io.tally.pipeline.CounterStore.Fence;
import io.tally.pipeline.CounterStore.Keyed;
import io.tally.pipeline.CounterStore.KeyedValue;
import io.tally.pipeline.CounterStore.Settlement.Committed;
import io.tally.pipeline.CounterStore.Sum;
import io.tally.pipeline.CounterStore.VersionedValue;
import io.tally.pipeline.CounterStore.Writes;
import io.tally.pipeline.LaneMetrics.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import org.jspecify.annotations.Nullable;
import reactor.core.publisher.Mono;

/** Increments in one statement: a sum for each counter, and an increment for each key. */
final class IncrementWrite implements FencedWrite<Added> {

    private final List<CounterGroup> groups;
    private final RecentSet<CounterId> refusing;
    private final List<Sum> sums;
    private final List<Keyed> keyed = new ArrayList<>(0);

    /** @param refusing receives the counters that the statement left out */
    IncrementWrite(List<CounterGroup> groups, RecentSet<CounterId> refusing) {
        this.groups = groups;
        this.refusing = refusing;
        this.sums = groups.stream().map(CounterGroup::sum).toList();
        for (int i = 0; i < groups.size(); i++) {
            for (Command command : groups.get(i).keyed()) {
                keyed.add(new Keyed(i, keyOf(command), command.fingerprint(), deltaOf(command)));
            }
        }
    }

    private static IdempotencyKey keyOf(Command command) {
        return Objects.requireNonNull(command.key());
    }

    private static long deltaOf(Command command) {
        return ((Increment) command.operation()).delta();
    }

    @Override
    public Path path() {
        return keyed.isEmpty() ? Path.FAST : Path.KEYED;
    }

    @Override
    public List<PendingRequest<Command, Outcome>> requests() {
        return groups.stream().flatMap(group -> group.requests().stream()).toList();
    }

    @Override
    public int operations() {
        return groups.stream().mapToInt(group -> group.requests().size()).sum();
    }

    @Override
    public int counters() {
        return sums.size();
    }

    List<Sum> sums() {
        return sums;
    }

    List<Keyed> keyed() {
        return keyed;
    }

    @Override
    public Mono<Added> send(Writes store, Fence fence) {
        return store.add(fence, sums, keyed);
    }

    @Override
    public Added stored(Committed committed) {
        return committed.added();
    }

    @Override
    public Written written(Added added) {
        int operations = 0;
        double magnitude = 0;
        for (int i = 0; i < sums.size(); i++) {
            if (added.values().get(i) != null) {
                operations += sums.get(i).operations();
                magnitude += groups.get(i).magnitude();
            }
        }
        for (int i = 0; i < keyed.size(); i++) {
            KeyedValue stored = added.keyed().get(i);
            if (stored != null && stored.known() == null) {
                operations++;
                magnitude += Math.abs((double) keyed.get(i).delta());
            }
        }
        return new Written(true, operations, magnitude);
    }

    @Override
    public List<PendingRequest<Command, Outcome>> answer(Added added) {
        List<PendingRequest<Command, Outcome>> leftOut = new ArrayList<>(0);
        Iterator<@Nullable KeyedValue> keyedValues = added.keyed().iterator();
        for (int i = 0; i < groups.size(); i++) {
            CounterGroup group = groups.get(i);
            int before = leftOut.size();
            answer(group, sums.get(i), added.values().get(i), byKey(group, keyedValues), leftOut);
            if (leftOut.size() > before) {
                refusing.add(group.counter());
            }
        }
        return leftOut;
    }

    private static Map<IdempotencyKey, KeyedValue> byKey(CounterGroup group, Iterator<@Nullable KeyedValue> values) {
        if (group.keyed().isEmpty()) {
            return Map.of();
        }
        Map<IdempotencyKey, KeyedValue> byKey = HashMap.newHashMap(group.keyed().size());
        for (Command command : group.keyed()) {
            KeyedValue stored = values.next();
            if (stored != null) {
                byKey.put(keyOf(command), stored);
            }
        }
        return byKey;
    }

    private static void answer(
            CounterGroup group,
            Sum sum,
            @Nullable VersionedValue after,
            Map<IdempotencyKey, KeyedValue> byKey,
            List<PendingRequest<Command, Outcome>> leftOut) {
        long value = after == null ? 0 : after.value() - sum.delta();
        long version = after == null ? 0 : after.version() - sum.operations();
        for (PendingRequest<Command, Outcome> pending : group.requests()) {
            Command command = pending.request();
            IdempotencyKey key = command.key();
            KeyedValue keyedValue = key == null ? null : byKey.get(key);
            if (keyedValue != null && key != null) {
                pending.answer(outcome(key, command, keyedValue));
                if (keyedValue.known() == null) {
                    byKey.put(key, keyedValue.knownAs(command.fingerprint()));
                }
            } else if (key != null || after == null) {
                leftOut.add(pending);
            } else {
                long delta = deltaOf(command);
                value += delta;
                version++;
                pending.answer(new Incremented(value, version, delta));
            }
        }
    }

    private static Outcome outcome(IdempotencyKey key, Command command, KeyedValue stored) {
        Incremented incremented =
                new Incremented(stored.after().value(), stored.after().version(), deltaOf(command));
        Long known = stored.known();
        return known == null
                ? incremented
                : new IdempotencyRecord(key, known, incremented).answer(command.fingerprint());
    }
}
