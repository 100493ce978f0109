package io.tally.pipeline;

import io.tally.counter.CounterId;
import io.tally.counter.Operation;
import io.tally.pipeline.CounterStore.Added;
import io.tally.pipeline.CounterStore.Fence;
import io.tally.pipeline.CounterStore.Writes;
import io.tally.pipeline.LaneMetrics.Path;
import java.util.List;
import org.jspecify.annotations.Nullable;
import reactor.core.publisher.Mono;

/** The other way: operations decided one after the other, on rows under lock. */
final class Decisions implements Shipment<Resolution> {

    private final Writes store;
    private final List<Operation> operations;
    private final List<CounterId> counters;
    private @Nullable Resolution decided;

    Decisions(Writes store, List<Operation> operations) {
        this.store = store;
        this.operations = operations;
        this.counters = operations.stream().map(Operation::counter).distinct().toList();
    }

    @Override
    public Path path() {
        return Path.CONDITIONAL;
    }

    @Override
    public int operations() {
        return operations.size();
    }

    @Override
    public int counters() {
        return counters.size();
    }

    @Override
    public Mono<Resolution> send(Fence fence) {
        return store.resolve(fence, counters, states -> {
            Resolution resolution = Resolver.resolve(states, operations);
            decided = resolution;
            return resolution;
        });
    }

    @Override
    public Resolution stored(Added added) {
        // One fence, one attempt: the last decision is the one that was committed.
        if (decided == null) {
            throw new IllegalStateException("committed, but never decided");
        }
        return decided;
    }

    @Override
    public Written written(Resolution resolution) {
        return new Written(resolution.operations() > 0, resolution.operations(), resolution.magnitude());
    }
}
