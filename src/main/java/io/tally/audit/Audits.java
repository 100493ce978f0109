package io.tally.audit;

import io.tally.audit.Auditor.Occasion;
import io.tally.lane.CallerExecutor;
import io.tally.lane.Lane;
import io.tally.lane.LaneOwner;
import io.tally.pipeline.CounterPipeline;
import io.tally.pipeline.Ledger;
import io.tally.shard.PerShard;
import io.tally.shard.ShardRuns;
import io.tally.shard.Sharding;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Objects;
import org.jspecify.annotations.Nullable;
import org.springframework.scheduling.annotation.Scheduled;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;

/**
 * Audits, at an interval and on demand. In each shard, one runs at a time; requests that come while one runs share the
 * next, which begins after them. Safe for use by many threads.
 */
public final class Audits extends LaneOwner {

    private static final int WAITING_MAX = 1_000;
    private static final Duration FLIGHT_MARGIN = Duration.ofMinutes(1);

    private final PerShard<Auditor> auditors;
    private final PerShard<Lane<Occasion, Audit>> lanes;
    private final ShardRuns intervals;
    private final Clock clock;
    private final Instant startedAt;
    private final AuditProperties properties;

    Audits(PerShard<LedgerStore> books, CounterPipeline pipeline, AuditProperties properties, Clock clock) {
        this.clock = clock;
        this.properties = properties;
        this.startedAt = clock.instant();
        PerShard<Ledger> ledgers = pipeline.ledgers();
        Sharding sharding = books.sharding();
        this.auditors = PerShard.of(
                sharding,
                index -> new Auditor(
                        Sharding.number(index),
                        sharding.label("books", index),
                        books.at(index),
                        ledgers.at(index),
                        clock));
        this.lanes = PerShard.of(sharding, index -> lane(sharding.label("audits", index), auditors.at(index)));
        this.intervals = ShardRuns.onAll(lanes, Audits::atInterval);
    }

    private Lane<Occasion, Audit> lane(String name, Auditor auditor) {
        // A request may wait for the current audit and then for its own, so it needs the time of both.
        return new Lane<>(
                name,
                new Lane.Limits(
                        WAITING_MAX,
                        WAITING_MAX,
                        properties.timeout().multipliedBy(2),
                        // The comparison and the update of writers, each with its own time-out, and the time to
                        // connect.
                        properties.timeout().multipliedBy(2).plus(FLIGHT_MARGIN)),
                auditor,
                CallerExecutor.ANY,
                nanos -> {},
                System::nanoTime);
    }

    /**
     * Compares the books of each shard as they are after the moment of subscription, at the same time. Never fails.
     *
     * @return an audit for each shard, in their order
     */
    public Mono<List<Audit>> audit() {
        return Flux.fromIterable(lanes.all())
                .flatMapSequential(
                        lane -> lane.submit(Occasion.REQUEST), lanes.all().size())
                .collectList();
    }

    /** The shards. */
    Sharding sharding() {
        return lanes.sharding();
    }

    /** The last report of a shard, or {@code null} before the first. */
    Audit.@Nullable Report last(int shard) {
        return auditors.at(shard).last();
    }

    /** The last report of each shard; {@code null} until each has one, since the sum of some would be misleading. */
    public @Nullable BooksView last() {
        List<Audit.Report> reports = auditors.all().stream()
                .map(Auditor::last)
                .filter(Objects::nonNull)
                .toList();
        return reports.size() == auditors.all().size() ? BooksView.of(new Audit.Books(reports)) : null;
    }

    /** The time of the last successful audit of a shard, or of the start. */
    Instant lastAt(int shard) {
        Audit.Report report = last(shard);
        return report == null ? startedAt : report.at();
    }

    /** The clock of {@link #lastAt}. */
    Clock clock() {
        return clock;
    }

    @Override
    public List<Lane<?, ?>> lanes() {
        return List.copyOf(lanes.all());
    }

    @Override
    protected Duration drainMax() {
        return properties.timeout();
    }

    @Scheduled(fixedRateString = "${tally.audit.interval:1m}", initialDelayString = "PT0.5S")
    Mono<Void> atInterval() {
        return intervals.start();
    }

    /** Rests for as long as the audit took, in case that is longer than the interval. */
    private static Mono<Void> atInterval(Lane<Occasion, Audit> lane) {
        return lane.submit(Occasion.INTERVAL)
                .elapsed()
                .flatMap(audit -> Mono.delay(Duration.ofMillis(audit.getT1())))
                .then();
    }
}
