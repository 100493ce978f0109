package io.tally.period;

import io.r2dbc.spi.Connection;
import io.r2dbc.spi.Row;
import io.tally.counter.CounterId;
import io.tally.counter.Labels;
import io.tally.postgres.CounterRows;
import io.tally.postgres.Pool;
import io.tally.postgres.Statements;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Objects;
import java.util.UUID;
import reactor.core.publisher.Mono;

/** The passes in PostgreSQL, on pooled connections. */
final class PostgresSweeps implements Sweeps {

    /** Longer than a chunk takes. After a crash, another instance takes over as late. */
    private static final Duration LEASE = Duration.ofSeconds(10);

    private final Pool pool;
    private final String holder = UUID.randomUUID().toString();

    PostgresSweeps(Pool pool) {
        this.pool = pool;
    }

    @Override
    public Mono<Claim> claim(Kind kind) {
        return pool.use(connection -> Statements.one(
                connection
                        .createStatement(PeriodSql.CLAIM)
                        .bind("$1", Labels.label(kind))
                        .bind("$2", holder)
                        .bind("$3", LEASE.toMillis()),
                PostgresSweeps::claim));
    }

    private static Claim claim(Row row) {
        return new Claim(
                Objects.requireNonNullElse(CounterRows.timeOrNull(row, "reached"), Instant.EPOCH),
                CounterRows.time(row, "transaction_time"));
    }

    @Override
    public Mono<Chunk> due(Kind kind, Position after, Instant until, int max) {
        return pool.read(connection -> due(connection, kind, after, until, max));
    }

    private record Line(Position position, boolean due, int read) {

        static Line of(Row row) {
            return new Line(
                    new Position(
                            CounterRows.time(row, "ended_at"),
                            CounterRows.text(row, "namespace"),
                            CounterRows.text(row, "name")),
                    CounterRows.is(row, "due"),
                    Math.toIntExact(CounterRows.number(row, "counters")));
        }

        CounterId counter() {
            return new CounterId(position.namespace(), position.name());
        }
    }

    private static Mono<Chunk> due(Connection connection, Kind kind, Position after, Instant until, int max) {
        return Statements.all(
                        connection
                                .createStatement(PeriodSql.due(kind))
                                .bind("$1", after.end().toString())
                                .bind("$2", after.namespace())
                                .bind("$3", after.name())
                                .bind("$4", max)
                                .bind("$5", until.toString()),
                        Line::of)
                .map(lines -> chunk(lines, after));
    }

    private static Chunk chunk(List<Line> lines, Position after) {
        return lines.isEmpty()
                ? new Chunk(List.of(), 0, after)
                : new Chunk(
                        lines.stream().filter(Line::due).map(Line::counter).toList(),
                        lines.getLast().read(),
                        lines.getLast().position());
    }

    @Override
    public Mono<Void> reached(Kind kind, Instant time) {
        return pool.use(connection -> Statements.rows(connection
                        .createStatement(PeriodSql.REACHED)
                        .bind("$1", Labels.label(kind))
                        .bind("$2", holder)
                        .bind("$3", time.toString())))
                .then();
    }
}
