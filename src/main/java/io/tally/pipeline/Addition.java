package io.tally.pipeline;

import io.tally.pipeline.Batch.Group;
import io.tally.pipeline.CounterStore.Added;
import io.tally.pipeline.CounterStore.Fence;
import io.tally.pipeline.CounterStore.Sum;
import io.tally.pipeline.CounterStore.Writes;
import io.tally.pipeline.LaneMetrics.Path;
import java.util.List;
import reactor.core.publisher.Mono;

/** The fast way: a sum for each counter, in one statement. */
final class Addition implements Shipment<Added> {

    private final Writes store;
    private final List<Group> groups;
    private final List<Sum> sums;

    Addition(Writes store, List<Group> groups) {
        this.store = store;
        this.groups = groups;
        this.sums = groups.stream().map(Group::sum).toList();
    }

    @Override
    public Path path() {
        return Path.FAST;
    }

    @Override
    public int operations() {
        return sums.stream().mapToInt(Sum::operations).sum();
    }

    @Override
    public int counters() {
        return sums.size();
    }

    @Override
    public Mono<Added> send(Fence fence) {
        return store.add(fence, sums);
    }

    @Override
    public Added stored(Added added) {
        return added;
    }

    @Override
    public Written written(Added added) {
        int operations = 0;
        double magnitude = 0;
        for (int i = 0; i < groups.size(); i++) {
            if (added.levels().get(i) != null) {
                operations += groups.get(i).waiters().size();
                magnitude += groups.get(i).magnitude();
            }
        }
        return new Written(true, operations, magnitude);
    }
}
