package io.tally.postgres;

import io.r2dbc.spi.Connection;
import io.r2dbc.spi.Row;
import io.tally.idempotency.ExpiredRows;
import io.tally.shard.PerShard;
import java.time.Duration;
import java.time.Instant;
import java.time.OffsetDateTime;
import java.time.ZoneOffset;
import reactor.core.publisher.Mono;

/** Expired rows in PostgreSQL, on a pooled connection. */
public final class PostgresExpiredRows implements ExpiredRows {

    private final Pool pool;
    private final String prune;

    /** @param prune a statement with the parameters and the result of {@link CounterSql#PRUNE} */
    private PostgresExpiredRows(Pool pool, String prune) {
        this.pool = pool;
        this.prune = prune;
    }

    /** The rows of each shard. */
    public static PerShard<ExpiredRows> of(PerShard<Pool> pools, String prune) {
        return pools.map(pool -> new PostgresExpiredRows(pool, prune));
    }

    @Override
    public Mono<Removal> remove(Instant from, Duration retention, int max) {
        return pool.use(connection -> remove(connection, from, retention, max));
    }

    private Mono<Removal> remove(Connection connection, Instant from, Duration retention, int max) {
        return Statements.one(
                connection
                        .createStatement(prune)
                        .bind("$1", from.atOffset(ZoneOffset.UTC))
                        .bind("$2", retention.toMillis())
                        .bind("$3", max),
                row -> removal(row, from));
    }

    private static Removal removal(Row row, Instant from) {
        OffsetDateTime reached = row.get("reached", OffsetDateTime.class);
        return new Removal(CounterRows.number(row, "removed"), reached == null ? from : reached.toInstant());
    }
}
