package io.tally.postgres;

import io.r2dbc.spi.Connection;
import io.r2dbc.spi.Readable;
import io.r2dbc.spi.Statement;
import io.tally.job.Claim;
import io.tally.job.Job;
import java.time.OffsetDateTime;
import java.util.Objects;
import java.util.UUID;
import java.util.function.Function;
import java.util.function.UnaryOperator;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;

/** Rows as jobs. */
final class JobRows {

    private JobRows() {}

    /** The only row of a statement, once the statement is complete; empty where it has none. */
    static <T> Mono<T> one(
            Connection connection, String sql, UnaryOperator<Statement> bound, Function<Readable, T> as) {
        return Flux.from(bound.apply(connection.createStatement(sql)).execute())
                .concatMap(result -> result.map(as))
                .collectList()
                .flatMap(rows -> rows.isEmpty() ? Mono.empty() : Mono.just(rows.getFirst()));
    }

    static Claim claim(Readable row) {
        return new Claim(job(row), CounterRows.number(row, "claims"), text(row, "reached"));
    }

    static Job job(Readable row) {
        return new Job(
                Objects.requireNonNull(row.get("id", UUID.class), "id"),
                text(row, "kind"),
                text(row, "namespace"),
                Job.State.of(text(row, "state")),
                CounterRows.number(row, "done"),
                row.get("total", Long.class),
                CounterRows.time(row, "started_at"),
                row.get("finished_at", OffsetDateTime.class) == null ? null : CounterRows.time(row, "finished_at"),
                row.get("problem", String.class));
    }

    private static String text(Readable row, String column) {
        return Objects.requireNonNull(row.get(column, String.class), column);
    }
}
