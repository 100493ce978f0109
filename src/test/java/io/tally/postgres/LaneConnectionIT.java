package io.tally.postgres;

import static org.assertj.core.api.Assertions.assertThat;

import io.r2dbc.postgresql.PostgresqlConnectionFactory;
import io.r2dbc.postgresql.api.PostgresqlConnection;
import io.tally.testing.Clients;
import io.tally.testing.Database;
import io.tally.testing.Postgres;
import java.sql.SQLException;
import java.time.Duration;
import java.util.Objects;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import reactor.core.Disposable;
import reactor.core.publisher.Mono;

@Timeout(300)
class LaneConnectionIT {

    private static final Duration LONG = Duration.ofMinutes(2);

    private Database database;
    private LaneConnection lane;

    @BeforeEach
    void open() throws SQLException {
        database = Postgres.shared().createDatabase();
        DatabaseProperties properties = new DatabaseProperties(
                database.url(), database.username(), database.password(), LONG, Duration.ofSeconds(5), LONG, 2);
        lane = new LaneConnection(
                new PostgresqlConnectionFactory(Sessions.address(properties).build()), LONG, LONG);
    }

    @AfterEach
    void close() {
        lane.close().block();
    }

    private static Mono<Integer> number(PostgresqlConnection connection, String sql) {
        return connection
                .createStatement(sql)
                .execute()
                .concatMap(result ->
                        result.map((row, metadata) -> Objects.requireNonNull(row.get("number", Integer.class))))
                .single();
    }

    private int backend() {
        return Objects.requireNonNull(lane.use(connection -> number(connection, "select pg_backend_pid() as number"))
                .block());
    }

    private long running(int backend) {
        try {
            return database.queryLong(
                    "select count(*) from pg_stat_activity where state = 'active' and pid = ?", backend);
        } catch (SQLException e) {
            throw new IllegalStateException(e);
        }
    }

    @Test
    void staysOpenFromOneUseToTheNext() {
        assertThat(backend()).isEqualTo(backend());
    }

    @Test
    void isDroppedWhereAUseIsCancelled() throws Exception {
        int first = backend();
        Disposable use = lane.use(connection -> number(connection, "select 1 as number from pg_sleep(100)"))
                .subscribe();
        Clients.await("the statement", LONG, () -> running(first) == 1);
        use.dispose();

        assertThat(backend()).isNotEqualTo(first);
    }
}
