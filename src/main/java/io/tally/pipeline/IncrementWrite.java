package io.tally.pipeline;

import io.tally.pipeline.Batch.Group;
import io.tally.pipeline.CounterStore.Added;
import io.tally.pipeline.CounterStore.Fence;
import io.tally.pipeline.CounterStore.Keyed;
import io.tally.pipeline.CounterStore.KeyedLevel;
import io.tally.pipeline.CounterStore.Settlement.Committed;
import io.tally.pipeline.CounterStore.Sum;
import io.tally.pipeline.CounterStore.Writes;
import io.tally.pipeline.LaneMetrics.Path;
import java.util.ArrayList;
import java.util.List;
import reactor.core.publisher.Mono;

/** The fast way: a sum for each counter and an increment for each key, in one statement. */
final class IncrementWrite implements FencedWrite<Added> {

    private final Writes store;
    private final List<Sum> sums;
    private final List<Keyed> keyed = new ArrayList<>(0);
    private final List<Group> groups;

    IncrementWrite(Writes store, List<Group> groups) {
        this.store = store;
        this.groups = groups;
        this.sums = groups.stream().map(Group::sum).toList();
        for (int i = 0; i < groups.size(); i++) {
            keyed.addAll(groups.get(i).keyed(i));
        }
    }

    @Override
    public Path path() {
        return keyed.isEmpty() ? Path.FAST : Path.KEYED;
    }

    @Override
    public int operations() {
        return groups.stream().mapToInt(group -> group.requests().size()).sum();
    }

    @Override
    public int counters() {
        return sums.size();
    }

    @Override
    public Mono<Added> send(Fence fence) {
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
                magnitude += groups.get(i).size();
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
}
