package io.tally.ranking;

import io.r2dbc.spi.Connection;
import io.r2dbc.spi.Row;
import io.r2dbc.spi.Statement;
import io.tally.postgres.CounterRows;
import io.tally.postgres.LaneConnection;
import io.tally.postgres.Pool;
import io.tally.postgres.Statements;
import io.tally.ranking.RankingSql.Pages;
import io.tally.ranking.RankingState.AsOf;
import io.tally.ranking.RankingState.Pending;
import java.time.Duration;
import java.time.Instant;
import java.time.ZoneOffset;
import java.util.Optional;
import org.jspecify.annotations.Nullable;
import reactor.core.publisher.Mono;

/** The order of counters in PostgreSQL. */
final class PostgresRanking implements Ranking {

    /** Longer than a transaction that updates counters, since updated_at is the start of the transaction. */
    private static final Duration OVERLAP = Duration.ofSeconds(60);

    private final Pool pool;
    private final LaneConnection passes;
    private final int smallMax;
    private final Duration interval;

    /**
     * The order on these connections.
     *
     * @param passes a connection for the long passes over large namespaces
     */
    PostgresRanking(Pool pool, LaneConnection passes, int smallMax, Duration interval) {
        this.pool = pool;
        this.passes = passes;
        this.smallMax = smallMax;
        this.interval = interval;
    }

    // ---- passes

    private record Known(
            boolean large,
            boolean due,
            long counters,
            @Nullable Instant passedAt) {}

    private record Taken(String namespace, boolean full, Optional<Instant> passedAt) {}

    private record Passed(Instant at, long moved) {}

    @Override
    public Mono<RankingState> refresh(String namespace) {
        return pool.read(connection -> known(connection, namespace)).flatMap(known -> refresh(namespace, known));
    }

    private Mono<RankingState> refresh(String namespace, Known known) {
        Instant passedAt = known.passedAt();
        if (known.counters() > smallMax) {
            Mono<RankingState> state = Mono.just(passedAt == null ? new Pending() : new AsOf(passedAt));
            return known.large() ? state : note(namespace, known).then(state);
        }
        if (passedAt != null && !known.due()) {
            return Mono.just(new AsOf(passedAt));
        }
        // This statement locks the row of the namespace, and waits for the lock.
        return pool.inTransaction(connection -> note(connection, namespace, known)
                        .then(Mono.defer(() -> passed(connection, new Taken(namespace, true, Optional.empty()))))
                        .delayUntil(passed -> settled(connection, namespace, passed, Duration.ZERO)))
                .map(passed -> new AsOf(passed.at()));
    }

    private Mono<Known> known(Connection connection, String namespace) {
        return Statements.one(
                connection
                        .createStatement(RankingSql.STATE)
                        .bind("$1", namespace)
                        .bind("$2", smallMax + 1),
                row -> new Known(
                        CounterRows.is(row, "large"),
                        CounterRows.is(row, "due"),
                        CounterRows.number(row, "counters"),
                        passedAt(row).orElse(null)));
    }

    private Mono<Long> note(String namespace, Known known) {
        return pool.use(connection -> note(connection, namespace, known));
    }

    private static Mono<Long> note(Connection connection, String namespace, Known known) {
        return Statements.rows(connection
                .createStatement(RankingSql.NOTE)
                .bind("$1", namespace)
                .bind("$2", known.counters()));
    }

    @Override
    public Mono<Optional<Duration>> refreshDue() {
        // Checks on a pooled connection, since the dedicated connection is open only while passes are due.
        return pool.read(this::isAnyDue).flatMap(due -> due ? refreshOne() : close().thenReturn(Optional.empty()));
    }

    private Mono<Boolean> isAnyDue(Connection connection) {
        return Statements.one(
                connection.createStatement(RankingSql.ANY_DUE).bind("$1", smallMax), row -> CounterRows.is(row, "due"));
    }

    private Mono<Optional<Duration>> refreshOne() {
        return passes.use(connection -> connection
                .beginTransaction()
                .then(Mono.defer(() -> takenDue(connection)))
                .flatMap(taken -> passOver(connection, taken)
                        .delayUntil(took -> connection.commitTransaction())
                        .onErrorResume(failure -> putOff(connection, taken, failure)))
                .map(Optional::of)
                .switchIfEmpty(Mono.defer(() -> Mono.from(connection.rollbackTransaction()))
                        .thenReturn(Optional.<Duration>empty())));
    }

    private static <T> Mono<T> putOff(Connection connection, Taken taken, Throwable failure) {
        return Mono.from(connection.rollbackTransaction())
                .then(Mono.defer(() -> Statements.rows(
                        connection.createStatement(RankingSql.PUT_OFF).bind("$1", taken.namespace()))))
                // The failure of the pass matters, not that of the clean-up.
                .onErrorComplete()
                .then(Mono.error(failure));
    }

    private Mono<Taken> takenDue(Connection connection) {
        return Statements.one(
                connection.createStatement(RankingSql.TAKE_DUE).bind("$1", smallMax), PostgresRanking::taken);
    }

    private Mono<Duration> passOver(Connection connection, Taken taken) {
        return passed(connection, taken)
                .delayUntil(passed -> settled(connection, taken.namespace(), passed, interval))
                .elapsed()
                .map(timed -> Duration.ofMillis(timed.getT1()));
    }

    private static Mono<Passed> passed(Connection connection, Taken taken) {
        Instant from = taken.passedAt().map(at -> at.minus(OVERLAP)).orElse(Instant.EPOCH);
        Statement statement = taken.full()
                ? connection.createStatement(RankingSql.PASS_FULL).bind("$1", taken.namespace())
                : connection
                        .createStatement(RankingSql.PASS)
                        .bind("$1", taken.namespace())
                        .bind("$2", from.atOffset(ZoneOffset.UTC));
        return Statements.one(
                statement, row -> new Passed(CounterRows.time(row, "passed_at"), CounterRows.number(row, "moved")));
    }

    private static Mono<Long> settled(Connection connection, String namespace, Passed passed, Duration interval) {
        return Statements.rows(connection.createStatement(RankingSql.FORGET).bind("$1", namespace))
                .then(Mono.defer(() -> Statements.rows(connection
                        .createStatement(RankingSql.DUE)
                        .bind("$1", namespace)
                        .bind("$2", passed.moved())
                        .bind("$3", interval.toMillis()))));
    }

    private static Taken taken(Row row) {
        return new Taken(CounterRows.text(row, "namespace"), CounterRows.is(row, "full"), passedAt(row));
    }

    private static Optional<Instant> passedAt(Row row) {
        return Optional.ofNullable(CounterRows.timeOrNull(row, "passed_at"));
    }

    // ---- pages

    @Override
    public Mono<Slice> byName(String namespace, String prefix, String after, int max) {
        return pool.read(connection -> slice(connection
                .createStatement(RankingSql.BY_NAME)
                .bind("$1", namespace)
                .bind("$2", after)
                .bind("$3", max)
                .bind("$4", prefix)));
    }

    @Override
    public Mono<Slice> byRank(String namespace, Sort sort, Instant pass, @Nullable Place after, int max) {
        Pages pages = pages(sort);
        return pool.read(connection -> slice((after == null
                        ? connection.createStatement(pages.first()).bind("$4", firstRank(sort))
                        : connection
                                .createStatement(pages.next())
                                .bind("$4", after.rank())
                                .bind("$5", after.name()))
                .bind("$1", namespace)
                .bind("$2", pass.atOffset(ZoneOffset.UTC))
                .bind("$3", max)));
    }

    private static long firstRank(Sort sort) {
        return switch (sort) {
            case NAME, VALUE, GROWTH -> Long.MIN_VALUE;
            case VALUE_DESCENDING, GROWTH_DESCENDING -> Long.MAX_VALUE;
        };
    }

    private static Pages pages(Sort sort) {
        return switch (sort) {
            case VALUE -> RankingSql.BY_VALUE;
            case VALUE_DESCENDING -> RankingSql.BY_VALUE_DESCENDING;
            case GROWTH -> RankingSql.BY_GROWTH;
            case GROWTH_DESCENDING -> RankingSql.BY_GROWTH_DESCENDING;
            case NAME -> throw new IllegalArgumentException("a name is no rank");
        };
    }

    /** A row of a page: the time of the read, and an entry, if there is one. */
    private record Line(Instant at, Optional<Entry> entry) {

        static Line of(Row row) {
            return new Line(
                    CounterRows.time(row, "transaction_time"),
                    Optional.ofNullable(row.get("place", String.class)).map(name -> entry(row, name)));
        }

        private static Entry entry(Row row, String name) {
            return new Entry(
                    new Place(CounterRows.number(row, "rank"), name),
                    CounterRows.current(row),
                    row.get("snapshot_value", Long.class));
        }
    }

    private static Mono<Slice> slice(Statement statement) {
        return Statements.all(statement, Line::of)
                .map(lines -> new Slice(
                        lines.getFirst().at(),
                        lines.stream().flatMap(line -> line.entry().stream()).toList()));
    }

    @Override
    public Mono<Void> close() {
        return passes.close();
    }
}
