package io.tally.shard;

import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Function;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;

/**
 * Repeated work on each shard, for a schedule at a fixed rate. The work on a shard that takes long is not started again
 * before its end, and delays no other shard. Safe for use by many threads.
 */
public final class ShardRuns {

    /** Background work of many shards must not become a load of its own. */
    private static final int STARTS_MAX = 4;

    private final PerShard<Run> runs;
    private final int startsMax;
    private final AtomicInteger turn = new AtomicInteger();

    private ShardRuns(PerShard<Run> runs, int startsMax) {
        this.runs = runs;
        this.startsMax = Math.min(startsMax, runs.all().size());
    }

    /** Work that each start begins on all shards. */
    public static <T> ShardRuns onAll(PerShard<T> shards, Function<T, Mono<Void>> work) {
        return new ShardRuns(runs(shards, work), shards.all().size());
    }

    /** Work that each start begins on four shards at most, in turn: idle shards cost a bounded number of statements. */
    public static <T> ShardRuns inTurn(PerShard<T> shards, Function<T, Mono<Void>> work) {
        return new ShardRuns(runs(shards, work), STARTS_MAX);
    }

    private static <T> PerShard<Run> runs(PerShard<T> shards, Function<T, Mono<Void>> work) {
        return shards.map(shard -> new Run(Mono.defer(() -> work.apply(shard)), new AtomicBoolean()));
    }

    private record Run(Mono<Void> work, AtomicBoolean active) {

        Mono<Void> start() {
            return Mono.defer(() -> active.compareAndSet(false, true)
                    ? Mono.using(() -> active, started -> work, started -> started.set(false))
                    : Mono.empty());
        }
    }

    /**
     * Starts the work where it is not in progress; completes when what it started has ended. The failure of a shard
     * does not end the work on others.
     */
    public Mono<Void> start() {
        return Mono.defer(() -> {
            int count = runs.all().size();
            int first = turn.getAndUpdate(last -> (last + startsMax) % count);
            return Flux.range(first, startsMax)
                    .map(index -> runs.at(index % count))
                    .flatMapDelayError(Run::start, startsMax, 1)
                    .then();
        });
    }
}
