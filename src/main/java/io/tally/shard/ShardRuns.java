package io.tally.shard;

import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.Function;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;

/**
 * Repeated work on each shard, for a schedule at a fixed rate. The work on a shard that takes long is not started again
 * before its end, and delays no other shard. Safe for use by many threads.
 */
public final class ShardRuns {

    private final PerShard<Run> runs;

    /** @param work its failures end up in the schedule */
    public <T> ShardRuns(PerShard<T> shards, Function<T, Mono<Void>> work) {
        this.runs = shards.map(shard -> new Run(Mono.defer(() -> work.apply(shard))));
    }

    private record Run(Mono<Void> work, AtomicBoolean active) {

        Run(Mono<Void> work) {
            this(work, new AtomicBoolean());
        }

        Mono<Void> start() {
            return Mono.defer(() ->
                    active.compareAndSet(false, true) ? work.doFinally(signal -> active.set(false)) : Mono.empty());
        }
    }

    /** Starts the work on each shard where it is not in progress; completes when it has ended there. */
    public Mono<Void> start() {
        return Flux.fromIterable(runs.all())
                .flatMap(Run::start, runs.all().size())
                .then();
    }
}
