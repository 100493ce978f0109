package io.tally.postgres;

import io.r2dbc.spi.Connection;
import io.r2dbc.spi.Row;
import io.tally.counter.IdempotencyKey;
import io.tally.idempotency.StoredKeys;
import reactor.core.publisher.Mono;

/** Looks for idempotency records in PostgreSQL, by their primary key, on pooled connections. */
final class PostgresStoredKeys implements StoredKeys {

    private final Pool pool;

    PostgresStoredKeys(Pool pool) {
        this.pool = pool;
    }

    @Override
    public Mono<Boolean> hasRequest(IdempotencyKey key) {
        return pool.read(connection -> has(connection, CounterSql.HAS_REQUEST, key));
    }

    @Override
    public Mono<Boolean> hasLine(IdempotencyKey key) {
        return pool.read(connection -> has(connection, CounterSql.HAS_LINE, key));
    }

    private static Mono<Boolean> has(Connection connection, String sql, IdempotencyKey key) {
        return Statements.one(
                connection.createStatement(sql).bind("$1", key.scope()).bind("$2", key.text()),
                PostgresStoredKeys::isFound);
    }

    @Override
    public Mono<Boolean> hasAny(String scope) {
        return pool.read(connection -> Statements.one(
                connection.createStatement(CounterSql.HAS_ANY).bind("$1", scope), PostgresStoredKeys::isFound));
    }

    private static boolean isFound(Row row) {
        CounterRows.requirePrimary(row);
        return CounterRows.is(row, "found");
    }
}
