package io.tally.audit;

import io.tally.audit.Auditor.Occasion;
import io.tally.lane.CallerExecutor;
import io.tally.lane.Lane;
import io.tally.lane.LaneOwner;
import io.tally.pipeline.CounterPipeline;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import org.jspecify.annotations.Nullable;
import org.springframework.scheduling.annotation.Scheduled;
import reactor.core.publisher.Mono;

/**
 * Audits, at an interval and on demand. One runs at a time; requests that come while one runs share the next, which
 * begins after them. Safe for use by many threads.
 */
public final class Audits extends LaneOwner {

    private static final int WAITING_MAX = 1_000;
    private static final Duration FLIGHT_MARGIN = Duration.ofMinutes(1);

    private final Auditor auditor;
    private final Lane<Occasion, Audit> lane;
    private final Clock clock;
    private final Instant startedAt;
    private final AuditProperties properties;

    Audits(LedgerStore books, CounterPipeline pipeline, AuditProperties properties, Clock clock) {
        this.clock = clock;
        this.properties = properties;
        this.startedAt = clock.instant();
        this.auditor = new Auditor(books, pipeline.ledger(), clock);
        // A request may wait for the current audit and then for its own, so it needs the time of both.
        this.lane = new Lane<>(
                "audits",
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

    /** Compares the books as they are after the moment of subscription. Never fails. */
    public Mono<Audit> audit() {
        return lane.submit(Occasion.REQUEST);
    }

    /** The last report, or {@code null} before the first. */
    Audit.@Nullable Report last() {
        return auditor.last();
    }

    /** The time of the last successful audit, or of the start. */
    Instant lastAt() {
        Audit.Report report = auditor.last();
        return report == null ? startedAt : report.at();
    }

    /** The clock of {@link #lastAt}. */
    Clock clock() {
        return clock;
    }

    @Override
    protected Lane<?, ?> lane() {
        return lane;
    }

    @Override
    protected Duration drainMax() {
        return properties.timeout();
    }

    @Scheduled(fixedDelayString = "${tally.audit.interval:1m}", initialDelayString = "PT0.5S")
    Mono<Audit> atInterval() {
        return lane.submit(Occasion.INTERVAL);
    }
}
