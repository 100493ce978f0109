package io.tally.job;

import io.r2dbc.spi.Connection;
import io.r2dbc.spi.Readable;
import io.r2dbc.spi.Statement;
import io.tally.postgres.CounterRows;
import io.tally.postgres.Statements;
import java.util.Objects;
import java.util.UUID;
import java.util.function.Function;
import java.util.function.UnaryOperator;
import reactor.core.publisher.Mono;

/** Maps rows to jobs. */
public final class PostgresJobRows {

    private PostgresJobRows() {}

    public static <T> Mono<T> one(
            Connection connection, String sql, UnaryOperator<Statement> bound, Function<Readable, T> as) {
        return Statements.one(bound.apply(connection.createStatement(sql)), as::apply);
    }

    public static Claim claim(Readable row) {
        return new Claim(job(row), CounterRows.number(row, "claims"), CounterRows.text(row, "reached"));
    }

    static Job job(Readable row) {
        return new Job(
                Objects.requireNonNull(row.get("id", UUID.class), "id"),
                CounterRows.text(row, "kind"),
                CounterRows.text(row, "namespace"),
                Job.State.of(CounterRows.text(row, "state")),
                CounterRows.number(row, "done"),
                row.get("total", Long.class),
                CounterRows.time(row, "started_at"),
                CounterRows.timeOrNull(row, "finished_at"),
                row.get("problem", String.class));
    }
}
