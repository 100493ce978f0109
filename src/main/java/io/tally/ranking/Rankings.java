package io.tally.ranking;

import io.micrometer.core.instrument.MeterRegistry;
import io.micrometer.core.instrument.Timer;
import io.tally.lane.CallerExecutor;
import io.tally.lane.Lane;
import io.tally.lane.LaneOwner;
import io.tally.pipeline.StoreFailure;
import io.tally.telemetry.Meter;
import java.time.Duration;
import java.util.Optional;
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

    private final Ranking ranking;
    private final Timer passes;
    private final Lane<String, RankingState> lane;

    Rankings(Ranking ranking, MeterRegistry registry, CallerExecutor callerExecutor) {
        this.ranking = ranking;
        this.passes = Meter.RANKING_PASS.timer().register(registry);
        this.lane = new Lane<>(
                "rankings",
                new Lane.Limits(WAITING_MAX, WAITING_MAX, WAIT_MAX, FLIGHT_MAX),
                new Refresher(ranking),
                callerExecutor,
                nanos -> {},
                System::nanoTime);
    }

    /** The state of the order of a namespace, after a due pass. Never fails. */
    Mono<RankingState> state(String namespace) {
        return lane.submit(namespace);
    }

    /** Makes the passes that are due. */
    @Scheduled(fixedDelay = TICK_MILLIS)
    Mono<Void> refreshDue() {
        return Mono.defer(ranking::refreshDue)
                .doOnNext(took -> took.ifPresent(passes::record))
                .repeat()
                .takeUntil(Optional::isEmpty)
                .then()
                .onErrorResume(StoreFailure.class, Rankings::later);
    }

    private static Mono<Void> later(StoreFailure failure) {
        log.warn("Refreshing the order of a large namespace failed; the next pass retries: {}", failure.getMessage());
        return Mono.empty();
    }

    @Override
    protected Lane<?, ?> lane() {
        return lane;
    }

    @Override
    protected Duration drainMax() {
        return DRAIN_MAX;
    }
}
