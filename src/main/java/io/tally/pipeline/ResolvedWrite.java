package io.tally.pipeline;

import io.tally.counter.Command;
import io.tally.counter.CounterId;
import io.tally.counter.Operation;
import io.tally.counter.Operation.Amend;
import io.tally.counter.Operation.Delete;
import io.tally.counter.Operation.Increment;
import io.tally.counter.Outcome;
import io.tally.counter.Outcome.ConstraintViolated;
import io.tally.counter.Outcome.NotFound;
import io.tally.counter.Outcome.Success;
import io.tally.lane.PendingRequest;
import io.tally.pipeline.CounterStore.Fence;
import io.tally.pipeline.CounterStore.Settlement.Committed;
import io.tally.pipeline.CounterStore.Writes;
import io.tally.pipeline.LaneMetrics.Path;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import reactor.core.publisher.Mono;

/** Operations that the {@link Resolver} decides one after the other on locked rows, in one transaction. */
final class ResolvedWrite implements FencedWrite<Resolution> {

    private static final Logger log = LoggerFactory.getLogger(ResolvedWrite.class);

    private final List<PendingRequest<Command, Outcome>> requests;
    private final RecentSet<CounterId> refusing;
    private final RecentSet<CounterId> existing;
    private final List<Command> commands;
    private final ReadSet readSet;
    private @Nullable Resolution decided;

    /**
     * A write of these requests.
     *
     * @param refusing gets the counters that refuse an increment
     * @param existing gets the counters of applied increments with defaults
     */
    ResolvedWrite(
            List<PendingRequest<Command, Outcome>> requests,
            RecentSet<CounterId> refusing,
            RecentSet<CounterId> existing) {
        this.requests = requests;
        this.refusing = refusing;
        this.existing = existing;
        this.commands = requests.stream().map(PendingRequest::request).toList();
        this.readSet = ReadSet.of(commands);
    }

    /** Divides requests into parts that touch at most {@code countersMax} counters, or have one request. */
    static List<List<PendingRequest<Command, Outcome>>> parts(
            List<PendingRequest<Command, Outcome>> requests, int countersMax) {
        List<List<PendingRequest<Command, Outcome>>> parts = new ArrayList<>();
        Set<CounterId> counters = new HashSet<>();
        int from = 0;
        for (int i = 0; i < requests.size(); i++) {
            List<CounterId> own = requests.get(i).request().operation().counters();
            counters.addAll(own);
            if (counters.size() > countersMax && i > from) {
                parts.add(requests.subList(from, i));
                from = i;
                counters.clear();
                counters.addAll(own);
            }
        }
        if (from < requests.size()) {
            parts.add(requests.subList(from, requests.size()));
        }
        return parts;
    }

    @Override
    public Path path() {
        return Path.CONDITIONAL;
    }

    @Override
    public List<PendingRequest<Command, Outcome>> requests() {
        return requests;
    }

    @Override
    public int counters() {
        return readSet.counters().size();
    }

    @Override
    public Mono<Resolution> send(Writes store, Fence fence) {
        return store.resolve(fence, readSet, states -> {
            Resolution resolution = Resolver.resolve(states, commands);
            decided = resolution;
            return resolution;
        });
    }

    @Override
    public Resolution stored(Committed committed) {
        // A fence belongs to one attempt, so the last decision is the committed one.
        if (decided == null) {
            throw new IllegalStateException("committed, but never decided");
        }
        return decided;
    }

    @Override
    public Written written(Resolution resolution) {
        return new Written(!resolution.isEmpty(), resolution.operations(), resolution.magnitude());
    }

    @Override
    public List<PendingRequest<Command, Outcome>> answer(Resolution resolution) {
        for (int i = 0; i < requests.size(); i++) {
            Outcome outcome = resolution.outcomes().get(i);
            Operation operation = commands.get(i).operation();
            RefusalRead.refusedBy(operation, outcome).ifPresent(refusing::add);
            if (operation instanceof Increment increment && increment.hasDefaults() && outcome instanceof Success) {
                existing.add(increment.counter());
            }
            requests.get(i).answer(outcome);
        }
        return List.of();
    }

    /** Whether the operation changes or removes a counter that cannot exist. */
    private boolean isOfNothing(StoreFailure refusal) {
        Operation operation = commands.getFirst().operation();
        return StoreFailure.isUnstorable(refusal) && (operation instanceof Amend || operation instanceof Delete);
    }

    /** Halves the requests until the rejected operation is alone; all others are applied. */
    @Override
    public List<List<PendingRequest<Command, Outcome>>> isolate(StoreFailure refusal) {
        if (requests.size() == 1) {
            log.warn("The database rejected an operation: {}", refusal.getMessage());
            requests.getFirst().answer(isOfNothing(refusal) ? new NotFound() : new ConstraintViolated());
            return List.of();
        }
        int half = requests.size() / 2;
        return List.of(requests.subList(0, half), requests.subList(half, requests.size()));
    }
}
