package io.tally.postgres;

import static org.assertj.core.api.Assertions.assertThat;

import io.r2dbc.postgresql.PostgresqlConnectionFactory;
import io.tally.counter.CounterId;
import io.tally.pipeline.CounterStore;
import io.tally.pipeline.CounterStore.Writes;
import io.tally.pipeline.CounterStoreContract;
import io.tally.testing.Database;
import io.tally.testing.Postgres;
import java.sql.SQLException;
import java.time.Duration;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CopyOnWriteArrayList;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.TestInstance.Lifecycle;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;

/** The contract on PostgreSQL, at each isolation level: the service asks for the first, and relies on none. */
@Tag("one-shard") // A store has one schema.
class PostgresCounterStoreIT {

    @TestInstance(Lifecycle.PER_CLASS)
    abstract static class AtIsolation implements CounterStoreContract {

        private final String isolation;
        private final List<Writes> opened = new CopyOnWriteArrayList<>();
        private Database database;
        private PostgresqlConnectionFactory factory;
        private Pool pool;
        private CounterStore store;

        AtIsolation(String isolation) {
            this.isolation = isolation;
        }

        @BeforeAll
        void create() throws SQLException {
            database = Postgres.shared().createDatabase();
        }

        /** On empty tables: that takes a fraction of the time of a new database. */
        @BeforeEach
        void open() throws SQLException {
            opened.clear();
            database.execute("truncate counter, member, idempotency_key, ended_period");
            database.execute("delete from writer where id <> 0");
            database.execute("update writer set operations = 0, delta = 0 where id = 0");
            DatabaseProperties properties = new DatabaseProperties(
                    database.url(),
                    database.username(),
                    database.password(),
                    Duration.ofSeconds(5),
                    Duration.ofSeconds(5),
                    Duration.ofSeconds(10),
                    2,
                    Duration.ZERO);
            Map<String, String> session = new HashMap<>(properties.address().session());
            session.put("default_transaction_isolation", isolation);
            factory = new PostgresqlConnectionFactory(
                    Sessions.address(properties).options(session).build());
            SessionConnections connections = new SessionConnections(factory, Map.of(), null);
            pool = new Pool(connections, properties, 2);
            store = new PostgresCounterStore(connections, pool, properties, "test");
        }

        @AfterEach
        void booksBalance() throws SQLException {
            Flux.fromIterable(opened).concatMap(Writes::close).blockLast();
            pool.dispose();
            assertThat(database.queryLong(
                            "select (select coalesce(sum(value), 0) from counter) - (select sum(delta) from writer)"))
                    .isZero();
        }

        @Override
        public CounterStore store() {
            return store;
        }

        @Override
        public Writes writes(int lane) {
            Writes writes = store.writes(lane);
            opened.add(writes);
            return writes;
        }

        @Override
        public void age(CounterId counter, Duration by) {
            try {
                database.execute(
                        "update counter c set period_start = o.period_start, period_end = o.period_end,"
                                + " expires_at = o.expires_at"
                                + " from (select namespace, name, period_start - b.i as period_start,"
                                + " period_end - b.i as period_end, expires_at - b.i as expires_at"
                                + " from counter, (select ? * interval '1 second' as i) b"
                                + " where namespace = ? and name = ? offset 0) o"
                                + " where c.namespace = o.namespace and c.name = o.name",
                        by.toSeconds(),
                        counter.namespace(),
                        counter.name());
            } catch (SQLException e) {
                throw new IllegalStateException(e);
            }
        }

        @Override
        public long ended(CounterId counter) {
            try {
                return database.queryLong(
                        "select coalesce(sum(value), 0) from ended_period where namespace = ? and name = ?",
                        counter.namespace(),
                        counter.name());
            } catch (SQLException e) {
                throw new IllegalStateException(e);
            }
        }

        @Test
        void runsAtTheLevelItSays() {
            assertThat(factory.create()
                            .flatMapMany(connection -> connection
                                    .createStatement("show transaction_isolation")
                                    .execute()
                                    .concatMap(result -> result.map((row, metadata) -> row.get(0, String.class)))
                                    .concatWith(connection.close().then(Mono.empty())))
                            .blockLast())
                    .isEqualTo(isolation);
        }
    }

    @Nested
    class ReadCommitted extends AtIsolation {
        ReadCommitted() {
            super("read committed");
        }
    }

    @Nested
    class RepeatableRead extends AtIsolation {
        RepeatableRead() {
            super("repeatable read");
        }
    }

    @Nested
    class Serializable extends AtIsolation {
        Serializable() {
            super("serializable");
        }
    }
}
