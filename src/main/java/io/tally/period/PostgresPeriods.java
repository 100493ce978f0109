package io.tally.period;

import io.r2dbc.spi.Row;
import io.tally.counter.CounterId;
import io.tally.postgres.CounterRows;
import io.tally.postgres.Pool;
import io.tally.postgres.Statements;
import io.tally.shard.PerShard;
import java.time.Instant;
import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;
import reactor.core.publisher.Mono;

/** Ended periods in PostgreSQL, read on pooled connections. */
record PostgresPeriods(PerShard<Pool> pools) implements Periods {

    @Override
    public Mono<List<Ended>> list(CounterId counter, @Nullable Instant before, int max) {
        return pools.of(counter.namespace())
                .read(connection -> Statements.all(
                        connection
                                .createStatement(PeriodSql.PAGE)
                                .bind("$1", counter.namespace())
                                .bind("$2", counter.name())
                                .bind("$3", before == null ? "infinity" : before.toString())
                                .bind("$4", max),
                        PostgresPeriods::ended))
                .filter(lines -> !lines.isEmpty())
                .map(lines -> lines.stream().flatMap(Optional::stream).toList());
    }

    private static Optional<Ended> ended(Row row) {
        return Optional.ofNullable(CounterRows.timeOrNull(row, "ended_at"))
                .map(end -> new Ended(CounterRows.time(row, "started_at"), end, CounterRows.number(row, "value")));
    }
}
