package io.tally.ranking;

import io.micrometer.core.instrument.MeterRegistry;
import io.micrometer.core.instrument.Timer;
import io.tally.lane.CallerExecutor;
import io.tally.lane.Lane;
import io.tally.lane.LaneOwner;
import io.tally.pipeline.StoreFailure;
import io.tally.ranking.Ranking.Place;
import io.tally.ranking.Ranking.Slice;
import io.tally.shard.PerShard;
import io.tally.shard.ShardRuns;
import io.tally.telemetry.Meter;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.springframework.scheduling.annotation.Scheduled;
import reactor.core.publisher.Mono;

/**
 * The orders of namespaces: small ones are refreshed on request, large ones in the background. Safe for
 * use by many threads.
 */
final class Rankings extends LaneOwner {
    /*
     * Beside the counters
     *
     * Every increment would have to update an index on the value, which halves the throughput of the lanes. So a
     * separate table contains the order, and passes refresh it: a pass compares the counters with the order and stores
     * the changes. A thousand increments of a counter between two passes cost the order one row.
     *
     * A pass keeps the previous rows, with the time of their end. A sequence of pages reads the order as of the pass of
     * its first page, even after later passes. So it is complete and shows no counter twice.
     *
     * A large namespace costs one pass each interval, from the first request for its order; passes take at most 5 % of
     * the time.
     */

    private static final Logger log = LoggerFactory.getLogger(Rankings.class);

    private static final int WAITING_MAX = 10_000;
    private static final Duration WAIT_MAX = Duration.ofSeconds(5);
    /** A batch may refresh many namespaces, one after the other. */
    private static final Duration FLIGHT_MAX = Duration.ofMinutes(10);

    private static final Duration DRAIN_MAX = Duration.ofSeconds(5);
    private static final int TICK_MILLIS = 500;

    private final PerShard<Ranking> shards;
    private final ShardRuns due;
    private final Timer passes;
    private final PerShard<Lane<String, RankingState>> lanes;

    Rankings(PerShard<Ranking> shards, MeterRegistry registry, CallerExecutor callerExecutor) {
        this.shards = shards;
        this.due = ShardRuns.inTurn(PerShard.of(shards.sharding(), index -> index), this::refreshDue);
        this.passes = Meter.RANKING_PASS.timer().register(registry);
        this.lanes = PerShard.of(
                shards.sharding(),
                index -> new Lane<>(
                        shards.sharding().label("rankings", index),
                        new Lane.Limits(WAITING_MAX, WAITING_MAX, WAIT_MAX, FLIGHT_MAX),
                        new Refresher(shards.at(index)),
                        callerExecutor,
                        nanos -> {},
                        System::nanoTime));
    }

    /** The state of the order of a namespace, after a due pass. Never fails. */
    Mono<RankingState> state(String namespace) {
        return lanes.of(namespace).submit(namespace);
    }

    /** See {@link Ranking#byName}. */
    Mono<Slice> byName(String namespace, String prefix, String after, int max) {
        return shards.of(namespace).byName(namespace, prefix, after, max);
    }

    /** See {@link Ranking#byRank}. */
    Mono<Slice> byRank(String namespace, Sort sort, Instant pass, @Nullable Place after, int max) {
        return shards.of(namespace).byRank(namespace, sort, pass, after, max);
    }

    /** Makes the passes that are due. */
    @Scheduled(fixedRate = TICK_MILLIS)
    Mono<Void> refreshDue() {
        return due.start();
    }

    private Mono<Void> refreshDue(int shard) {
        return Mono.defer(shards.at(shard)::refreshDue)
                .doOnNext(took -> took.ifPresent(passes::record))
                .repeat()
                .takeUntil(Optional::isEmpty)
                .then()
                .onErrorResume(StoreFailure.class, failure -> later(shard, failure));
    }

    private Mono<Void> later(int shard, StoreFailure failure) {
        log.warn(
                "Refreshing the order of a large namespace failed{}; the next pass retries: {}",
                shards.sharding().where(shard),
                failure.getMessage());
        return Mono.empty();
    }

    @Override
    public List<Lane<?, ?>> lanes() {
        return List.copyOf(lanes.all());
    }

    @Override
    protected Duration drainMax() {
        return DRAIN_MAX;
    }
}
