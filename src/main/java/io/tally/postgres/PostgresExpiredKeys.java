package io.tally.postgres;

import io.r2dbc.spi.Connection;
import io.r2dbc.spi.Row;
import io.tally.pipeline.ExpiredKeys;
import java.time.Duration;
import java.time.Instant;
import java.time.OffsetDateTime;
import java.time.ZoneOffset;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;

/** Expired keys in PostgreSQL, on a pooled connection. */
final class PostgresExpiredKeys implements ExpiredKeys {

    private final Pool pool;

    PostgresExpiredKeys(Pool pool) {
        this.pool = pool;
    }

    @Override
    public Mono<Removal> remove(Instant from, Duration retention, int max) {
        return pool.use(connection -> remove(connection, from, retention, max));
    }

    private static Mono<Removal> remove(Connection connection, Instant from, Duration retention, int max) {
        return Flux.from(connection
                        .createStatement(CounterSql.PRUNE)
                        .bind("$1", from.atOffset(ZoneOffset.UTC))
                        .bind("$2", retention.toMillis())
                        .bind("$3", max)
                        .execute())
                .concatMap(result -> result.map((row, metadata) -> removal(row, from)))
                .single();
    }

    private static Removal removal(Row row, Instant from) {
        OffsetDateTime reached = row.get("reached", OffsetDateTime.class);
        return new Removal(CounterRows.number(row, "removed"), reached == null ? from : reached.toInstant());
    }
}
