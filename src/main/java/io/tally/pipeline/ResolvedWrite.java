package io.tally.pipeline;

import io.tally.counter.Command;
import io.tally.pipeline.CounterStore.Fence;
import io.tally.pipeline.CounterStore.Settlement.Committed;
import io.tally.pipeline.CounterStore.Writes;
import io.tally.pipeline.LaneMetrics.Path;
import java.util.List;
import org.jspecify.annotations.Nullable;
import reactor.core.publisher.Mono;

/** The other way: operations decided one after the other, on rows under lock. */
final class ResolvedWrite implements FencedWrite<Resolution> {

    private final Writes store;
    private final List<Command> commands;
    private final LockSet lockSet;
    private @Nullable Resolution decided;

    ResolvedWrite(Writes store, List<Command> commands) {
        this.store = store;
        this.commands = commands;
        this.lockSet = LockSet.of(commands);
    }

    @Override
    public Path path() {
        return Path.CONDITIONAL;
    }

    @Override
    public int operations() {
        return commands.size();
    }

    @Override
    public int counters() {
        return lockSet.counters().size();
    }

    @Override
    public Mono<Resolution> send(Fence fence) {
        return store.resolve(fence, lockSet, states -> {
            Resolution resolution = Resolver.resolve(states, commands);
            decided = resolution;
            return resolution;
        });
    }

    @Override
    public Resolution stored(Committed committed) {
        // One fence, one attempt: the last decision is the one that was committed.
        if (decided == null) {
            throw new IllegalStateException("committed, but never decided");
        }
        return decided;
    }

    @Override
    public Written written(Resolution resolution) {
        return new Written(!resolution.isEmpty(), resolution.operations(), resolution.magnitude());
    }
}
