package io.tally.postgres;

import io.r2dbc.spi.Connection;
import io.tally.counter.CounterId;
import io.tally.pipeline.CounterStore;
import io.tally.pipeline.StoredState;
import java.time.Duration;
import java.util.Collection;
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
    public Mono<StoredState> read(Collection<CounterId> ids) {
        return pool.use(connection -> read(connection, ids));
    }

    private static Mono<StoredState> read(Connection connection, Collection<CounterId> ids) {
        return Statements.all(
                        connection
                                .createStatement(CounterSql.READ)
                                .bind("$1", CounterRows.namespaces(ids))
                                .bind("$2", CounterRows.names(ids)),
                        LockedRows.Locked::onPrimary)
                .map(LockedRows::of)
                .map(rows -> StoredState.of(rows.counters(), rows.time()));
    }
}
