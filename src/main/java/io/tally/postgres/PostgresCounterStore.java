package io.tally.postgres;

import io.r2dbc.spi.Connection;
import io.r2dbc.spi.Row;
import io.tally.counter.Counter;
import io.tally.counter.CounterId;
import io.tally.pipeline.CounterStore;
import java.time.Duration;
import java.util.Collection;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Collectors;
import reactor.core.publisher.Mono;

/** Counters in PostgreSQL 15 or later. */
public final class PostgresCounterStore implements CounterStore {

    private final SessionConnections sessions;
    private final Pool pool;
    private final DatabaseProperties properties;
    private final String instance;

    public PostgresCounterStore(
            SessionConnections sessions, Pool pool, DatabaseProperties properties, String instance) {
        this.sessions = sessions;
        this.pool = pool;
        this.properties = properties;
        this.instance = instance;
    }

    @Override
    public Writes writes(int lane) {
        return new PostgresWrites(
                new LaneConnection(sessions, properties.connectTimeout(), properties.statementTimeout()),
                instance,
                lane);
    }

    @Override
    public Duration callMax() {
        return LaneConnection.useMax(properties);
    }

    @Override
    public Mono<Map<CounterId, Counter>> read(Collection<CounterId> ids) {
        return pool.use(connection -> read(connection, ids));
    }

    private static Mono<Map<CounterId, Counter>> read(Connection connection, Collection<CounterId> ids) {
        return Statements.all(
                        connection
                                .createStatement(CounterSql.READ)
                                .bind("$1", CounterRows.namespaces(ids))
                                .bind("$2", CounterRows.names(ids)),
                        PostgresCounterStore::onPrimary)
                .map(found -> found.stream()
                        .flatMap(Optional::stream)
                        .collect(Collectors.toMap(Counter::id, counter -> counter)));
    }

    private static Optional<Counter> onPrimary(Row row) {
        CounterRows.requirePrimary(row);
        return Optional.ofNullable(CounterRows.counter(row));
    }
}
