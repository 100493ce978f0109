package io.tally.postgres;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.r2dbc.postgresql.PostgresqlConnectionConfiguration;
import io.r2dbc.postgresql.PostgresqlConnectionFactory;
import io.tally.StartupException;
import io.tally.testing.Database;
import io.tally.testing.EmbeddedPostgres;
import io.tally.testing.PgBouncer;
import io.tally.testing.TallyClient;
import io.tally.testing.TallyServer;
import java.sql.SQLException;
import java.time.Duration;
import java.util.Map;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Starts behind a real PgBouncer, of which {@code .ci/pooler} sees to it that there is one. */
@Timeout(180)
class PgBouncerCheck {

    private static final Duration LONG = Duration.ofSeconds(20);

    /** As the documentation has them. */
    private static final String IGNORED = "extra_float_digits, default_transaction_isolation, lock_timeout,"
            + " statement_timeout, idle_in_transaction_session_timeout, jit, enable_seqscan, plan_cache_mode, work_mem,"
            + " client_connection_check_interval";

    private static EmbeddedPostgres postgres;

    private static Database database;

    @BeforeAll
    static void start() throws SQLException {
        postgres = EmbeddedPostgres.startTemporary();
        database = postgres.createDatabase("pooled");
    }

    @AfterAll
    static void stop() {
        postgres.close();
    }

    @ParameterizedTest
    @ValueSource(strings = {"transaction", "statement"})
    void sessionsThatAreSharedAreRefused(String poolMode) throws Exception {
        try (PgBouncer pooler = PgBouncer.start(database, poolMode, IGNORED)) {
            assertThatThrownBy(() -> TallyServer.start(pooler.through(database)).close())
                    .rootCause()
                    .isInstanceOf(StartupException.class)
                    .hasMessageContaining("A pooler gives the statements of one connection to different sessions");
        }
    }

    /** As with a PgBouncer that prepares statements in each session anew: only the processes show it. */
    @Test
    void sessionsThatAreSharedAreRefusedWithoutPreparedStatements() throws Exception {
        try (PgBouncer pooler = PgBouncer.start(database, "transaction", IGNORED)) {
            PostgresqlConnectionFactory factory =
                    new PostgresqlConnectionFactory(PostgresqlConnectionConfiguration.builder()
                            .host("127.0.0.1")
                            .port(pooler.port())
                            .database("pooled")
                            .username(database.username())
                            .preparedStatementCacheQueries(0)
                            .build());
            SessionConnections connections = new SessionConnections(factory, Map.of(), null);
            LaneConnection one = new LaneConnection(connections, LONG, LONG);
            LaneConnection other = new LaneConnection(connections, LONG, LONG);

            assertThatThrownBy(() -> new DatabaseProof(Map.of())
                            .requireSessions(one, other)
                            .block())
                    .isInstanceOf(StartupException.class)
                    .hasMessageContaining("the server process behind a connection changes");
            one.close().block();
            other.close().block();
        }
    }

    @Test
    void settingsThatThePoolerRefusesAreNamed() throws Exception {
        try (PgBouncer pooler = PgBouncer.start(database, "session", "extra_float_digits")) {
            assertThatThrownBy(() -> TallyServer.start(pooler.through(database)).close())
                    .rootCause()
                    .isInstanceOf(StartupException.class)
                    .hasMessageContaining("unsupported startup parameter: ");
        }
    }

    @Test
    void servesByTheSession() throws Exception {
        try (PgBouncer pooler = PgBouncer.start(database, "session", IGNORED);
                TallyServer server = TallyServer.start(pooler.through(database))) {
            TallyClient client = new TallyClient(server.uri());
            for (int i = 1; i <= 100; i++) {
                assertThat(client.increment("pooled/one", 1).status()).isEqualTo(200);
            }
            assertThat(client.value("pooled/one")).isEqualTo(100);
            assertThat(client.get("/v1/counters/pooled?sort=-value").status()).isEqualTo(200);
            client.requireBalancedBooks();
        }
    }
}
