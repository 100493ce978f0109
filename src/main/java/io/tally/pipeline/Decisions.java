package io.tally.pipeline;

import io.tally.counter.Command;
import io.tally.counter.CounterId;
import io.tally.counter.IdempotencyKey;
import io.tally.pipeline.CounterStore.Added;
import io.tally.pipeline.CounterStore.Fence;
import io.tally.pipeline.CounterStore.Writes;
import io.tally.pipeline.LaneMetrics.Path;
import java.util.List;
import java.util.Objects;
import org.jspecify.annotations.Nullable;
import reactor.core.publisher.Mono;

/** The other way: operations decided one after the other, on rows under lock. */
final class Decisions implements Shipment<Resolution> {

    private final Writes store;
    private final List<Command> commands;
    private final List<CounterId> counters;
    private final List<IdempotencyKey> keys;
    private @Nullable Resolution decided;

    Decisions(Writes store, List<Command> commands) {
        this.store = store;
        this.commands = commands;
        this.counters = commands.stream()
                .flatMap(command -> command.operation().counters().stream())
                .distinct()
                .toList();
        this.keys = commands.stream()
                .map(Command::key)
                .filter(Objects::nonNull)
                .distinct()
                .toList();
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
        return counters.size();
    }

    @Override
    public Mono<Resolution> send(Fence fence) {
        return store.resolve(fence, counters, keys, states -> {
            Resolution resolution = Resolver.resolve(states, commands);
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
        return new Written(!resolution.isEmpty(), resolution.operations(), resolution.magnitude());
    }
}
