package io.tally.audit;

import io.tally.audit.Audit.Report;
import io.tally.audit.Audit.Unread;
import io.tally.audit.LedgerStore.Balance;
import io.tally.counter.Outcome.Overloaded;
import io.tally.counter.Outcome.StoreUnavailable;
import io.tally.lane.BatchHandler;
import io.tally.lane.PendingRequest;
import io.tally.pipeline.Ledger;
import io.tally.pipeline.StoreFailure;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import reactor.core.publisher.Mono;

/**
 * Compares the books, once for all requests of a batch. In every snapshot the sum of all counters must equal the sum of
 * the writers' deltas. No writer may have fewer recorded operations than acknowledged ones.
 */
final class Auditor implements BatchHandler<Auditor.Occasion, Audit> {

    private static final Logger log = LoggerFactory.getLogger(Auditor.class);

    /** The reason for an audit. */
    enum Occasion {
        INTERVAL,
        REQUEST
    }

    private final int shard;
    private final String name;
    private final LedgerStore books;
    private final Ledger ledger;
    private final Clock clock;
    private volatile @Nullable Report last;
    private volatile boolean available = true;

    /**
     * An auditor of a shard.
     *
     * @param shard its number, from 1
     * @param name that of the books, for the log
     */
    Auditor(int shard, String name, LedgerStore books, Ledger ledger, Clock clock) {
        this.shard = shard;
        this.name = name;
        this.books = books;
        this.ledger = ledger;
        this.clock = clock;
    }

    /** The last report, or {@code null} before the first. */
    @Nullable
    Report last() {
        return last;
    }

    @Override
    public Mono<Void> handle(List<PendingRequest<Occasion, Audit>> requests) {
        return compare()
                .cast(Audit.class)
                .onErrorResume(StoreFailure.class, this::unread)
                .doOnNext(audit -> requests.forEach(pending -> pending.answer(audit)))
                .then();
    }

    private Mono<Report> compare() {
        // Reads memory first: the database, read afterwards, can only be ahead.
        Map<Long, Long> acknowledged = ledger.acknowledged();
        Instant start = clock.instant();
        return books.balance(acknowledged.keySet())
                .map(balance -> report(balance, acknowledged, start))
                .doOnNext(this::keep)
                .delayUntil(report -> tidied(acknowledged.keySet()));
    }

    /** A failure waits until the next audit, since the report matters more. */
    private Mono<Void> tidied(Set<Long> writers) {
        return books.tidy(writers).onErrorResume(StoreFailure.class, failure -> {
            log.warn("Updating the rows of writers failed; the next audit retries: {}", failure.getMessage());
            return Mono.empty();
        });
    }

    private Report report(Balance balance, Map<Long, Long> acknowledged, Instant start) {
        return new Report(
                shard,
                balance.counters().subtract(balance.deltas()),
                lost(balance, acknowledged),
                balance.counters(),
                balance.deltas(),
                start,
                Duration.between(start, clock.instant()));
    }

    private long lost(Balance balance, Map<Long, Long> acknowledged) {
        // A writer retired meanwhile has no owner, so its row may be gone.
        Set<Long> current = ledger.acknowledged().keySet();
        return acknowledged.entrySet().stream()
                .filter(writer -> current.contains(writer.getKey()))
                .mapToLong(writer -> writer.getValue() - balance.operations().getOrDefault(writer.getKey(), 0L))
                .filter(excess -> excess > 0)
                .sum();
    }

    private void keep(Report report) {
        available = true;
        last = report;
        if (!report.balanced()) {
            log.error("The {} do not balance: {}", name, report);
        }
    }

    private Mono<Audit> unread(StoreFailure failure) {
        available = false;
        log.warn("The {} could not be read: {}", name, failure.getMessage());
        return Mono.just(new Unread(shard, new StoreUnavailable()));
    }

    @Override
    public Refusals<Audit> refusals() {
        return new Refusals<>(
                new Unread(shard, new Overloaded()),
                new Unread(shard, new StoreUnavailable()),
                new Unread(shard, new StoreUnavailable()));
    }

    @Override
    public Mono<Void> close() {
        return books.close();
    }

    @Override
    public boolean isAvailable() {
        return available;
    }
}
