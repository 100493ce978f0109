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
import io.tally.pipeline.CounterStore.KeyedLevel;
import io.tally.pipeline.CounterStore.Level;
import io.tally.pipeline.CounterStore.Settlement.Committed;
import io.tally.pipeline.CounterStore.Sum;
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
    private final RecentSet<CounterId> bounded;
    private final List<Sum> sums;
    private final List<Keyed> keyed = new ArrayList<>(0);

    /** @param bounded receives the counters that the statement left out */
    IncrementWrite(List<CounterGroup> groups, RecentSet<CounterId> bounded) {
        this.groups = groups;
        this.bounded = bounded;
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
            if (added.levels().get(i) != null) {
                operations += sums.get(i).operations();
                magnitude += groups.get(i).magnitude();
            }
        }
        for (int i = 0; i < keyed.size(); i++) {
            KeyedLevel level = added.keyed().get(i);
            if (level != null && level.known() == null) {
                operations++;
                magnitude += Math.abs((double) keyed.get(i).delta());
            }
        }
        return new Written(true, operations, magnitude);
    }

    @Override
    public List<PendingRequest<Command, Outcome>> answer(Added added) {
        List<PendingRequest<Command, Outcome>> leftOut = new ArrayList<>(0);
        Iterator<@Nullable KeyedLevel> keyedLevels = added.keyed().iterator();
        for (int i = 0; i < groups.size(); i++) {
            CounterGroup group = groups.get(i);
            int before = leftOut.size();
            answer(group, sums.get(i), added.levels().get(i), byKey(group, keyedLevels), leftOut);
            if (leftOut.size() > before) {
                bounded.add(group.counter());
            }
        }
        return leftOut;
    }

    private static Map<IdempotencyKey, KeyedLevel> byKey(CounterGroup group, Iterator<@Nullable KeyedLevel> levels) {
        if (group.keyed().isEmpty()) {
            return Map.of();
        }
        Map<IdempotencyKey, KeyedLevel> byKey = HashMap.newHashMap(group.keyed().size());
        for (Command command : group.keyed()) {
            KeyedLevel level = levels.next();
            if (level != null) {
                byKey.put(keyOf(command), level);
            }
        }
        return byKey;
    }

    private static void answer(
            CounterGroup group,
            Sum sum,
            @Nullable Level level,
            Map<IdempotencyKey, KeyedLevel> byKey,
            List<PendingRequest<Command, Outcome>> leftOut) {
        long value = level == null ? 0 : level.value() - sum.delta();
        long version = level == null ? 0 : level.version() - sum.operations();
        for (PendingRequest<Command, Outcome> pending : group.requests()) {
            Command command = pending.request();
            IdempotencyKey key = command.key();
            KeyedLevel keyedLevel = key == null ? null : byKey.get(key);
            if (keyedLevel != null && key != null) {
                pending.answer(outcome(key, command, keyedLevel));
                if (keyedLevel.known() == null) {
                    byKey.put(key, keyedLevel.knownAs(command.fingerprint()));
                }
            } else if (key != null || level == null) {
                leftOut.add(pending);
            } else {
                long delta = deltaOf(command);
                value += delta;
                version++;
                pending.answer(new Incremented(value, version, delta));
            }
        }
    }

    private static Outcome outcome(IdempotencyKey key, Command command, KeyedLevel stored) {
        Incremented incremented =
                new Incremented(stored.level().value(), stored.level().version(), deltaOf(command));
        Long known = stored.known();
        return known == null
                ? incremented
                : new IdempotencyRecord(key, known, incremented).answer(command.fingerprint());
    }
}
