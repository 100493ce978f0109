package io.tally.postgres;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.r2dbc.postgresql.PostgresqlConnectionFactory;
import io.tally.StartupException;
import io.tally.testing.Database;
import io.tally.testing.Postgres;
import java.time.Duration;
import java.util.Map;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

@Tag("one-shard") // A session has one schema.
class DatabaseProofIT {

    private static final Duration LONG = Duration.ofSeconds(20);

    @Test
    void everyTableIsProven() throws Exception {
        Database database = Postgres.shared().createDatabase();

        assertThat(database.queryString("select string_agg(relname, ',' order by relname collate \"C\") from pg_class"
                                + " where relnamespace = 'public'::regnamespace and relkind = 'r'"
                                + " and relname <> 'flyway_schema_history'")
                        .split(","))
                .containsExactlyElementsOf(DatabaseProof.TABLES);
    }

    /** As behind a pooler that drops the settings of a log-in. */
    @Test
    void aSettingThatIsLostIsNamed() throws Exception {
        Database database = Postgres.shared().createDatabase();
        DatabaseProperties properties = new DatabaseProperties(
                database.url(), database.username(), database.password(), LONG, Duration.ofSeconds(2), LONG, 2, LONG);
        SessionConnections connections = new SessionConnections(
                new PostgresqlConnectionFactory(Sessions.address(properties).build()), Map.of(), null);
        LaneConnection one = new LaneConnection(connections, LONG, LONG);
        LaneConnection other = new LaneConnection(connections, LONG, LONG);

        assertThatThrownBy(() -> new DatabaseProof(Sessions.keyed(properties))
                        .requireSessions(one, other)
                        .block())
                .isInstanceOf(StartupException.class)
                .hasMessageContaining("lock_timeout = 2000ms (found: 0)")
                .hasMessageContaining("plan_cache_mode = force_generic_plan (found: auto)");
        one.close().then(other.close()).block();
    }
}
