package io.tally.postgres;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.r2dbc.postgresql.PostgresqlConnectionFactory;
import io.tally.pipeline.StoreFailure;
import io.tally.pipeline.StoreFailure.Kind;
import io.tally.testing.Database;
import io.tally.testing.Postgres;
import java.sql.SQLException;
import java.time.Duration;
import java.util.Map;
import java.util.Objects;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Which failures cost a pool of one its connection. */
@Tag("one-shard") // A pool has one schema.
@Timeout(300)
class PoolIT {

    private static final Duration LONG = Duration.ofMinutes(2);

    private Pool pool;

    @BeforeEach
    void open() throws SQLException {
        Database database = Postgres.shared().createDatabase();
        DatabaseProperties properties = new DatabaseProperties(
                database.url(), database.username(), database.password(), LONG, Duration.ofSeconds(5), LONG, 2, LONG);
        pool = new Pool(
                new SessionConnections(
                        new PostgresqlConnectionFactory(
                                Sessions.address(properties).build()),
                        Map.of(),
                        null),
                properties,
                1);
    }

    @AfterEach
    void close() {
        pool.close().block();
    }

    private long number(String sql) {
        return Objects.requireNonNull(pool.use(connection ->
                        Statements.one(connection.createStatement(sql), row -> CounterRows.number(row, "number")))
                .block());
    }

    private long backend() {
        return number("select pg_backend_pid()::bigint as number");
    }

    private void fails(String sql, Kind kind) {
        assertThatThrownBy(() -> number(sql))
                .isInstanceOfSatisfying(
                        StoreFailure.class,
                        failure -> assertThat(failure.kind()).isEqualTo(kind));
    }

    @Test
    void aConnectionIsKeptAfterABadOperation() {
        long first = backend();
        fails("select 1 / 0 as number", Kind.BAD_OPERATION);
        assertThat(backend()).isEqualTo(first);
    }

    @Test
    void aConnectionIsClosedAfterAnUnknownOutcome() {
        long first = backend();
        // Cancels itself: the server is as well as before, and only the answer is missing.
        fails("select pg_cancel_backend(pg_backend_pid())::int::bigint as number from pg_sleep(0.1)", Kind.UNKNOWN);
        assertThat(backend()).isNotEqualTo(first);
    }

    @Test
    void aConnectionIsClosedAfterAFatalFailure() {
        long first = backend();
        fails("select number from no_such_table", Kind.FATAL);
        assertThat(backend()).isNotEqualTo(first);
    }
}
