package io.tally.postgres;

import io.r2dbc.spi.Connection;
import io.r2dbc.spi.Row;
import io.tally.counter.IdempotencyKey;
import io.tally.idempotency.StoredKeys;
import io.tally.shard.PerShard;
import java.util.function.Function;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;

/** Looks for idempotency records in PostgreSQL, by their primary key, on pooled connections of each shard. */
final class PostgresStoredKeys implements StoredKeys {

    private final PerShard<Pool> pools;

    PostgresStoredKeys(PerShard<Pool> pools) {
        this.pools = pools;
    }

    @Override
    public Mono<Boolean> hasRequest(IdempotencyKey key) {
        return any(connection -> has(connection, CounterSql.HAS_REQUEST, key));
    }

    @Override
    public Mono<Boolean> hasLine(IdempotencyKey key) {
        return any(connection -> has(connection, CounterSql.HAS_LINE, key));
    }

    private static Mono<Boolean> has(Connection connection, String sql, IdempotencyKey key) {
        return Statements.one(
                connection.createStatement(sql).bind("$1", key.scope()).bind("$2", key.text()),
                PostgresStoredKeys::isFound);
    }

    @Override
    public Mono<Boolean> hasAny(String scope) {
        return any(connection -> Statements.one(
                connection.createStatement(CounterSql.HAS_ANY).bind("$1", scope), PostgresStoredKeys::isFound));
    }

    /** A scope that spans namespaces may have records in each shard. */
    private Mono<Boolean> any(Function<Connection, Mono<Boolean>> look) {
        return Flux.fromIterable(pools.all())
                .flatMap(pool -> pool.read(look), pools.all().size())
                .any(Boolean::booleanValue);
    }

    private static boolean isFound(Row row) {
        CounterRows.requirePrimary(row);
        return CounterRows.is(row, "found");
    }
}
