package io.tally;

import static org.assertj.core.api.Assertions.assertThat;

import io.tally.testing.Database;
import io.tally.testing.EmbeddedPostgres;
import io.tally.testing.Postgres;
import io.tally.testing.TallyClient;
import io.tally.testing.TallyServer;
import java.net.URI;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** URLs with which the service migrates and counts. */
@Tag("one-shard") // Names schemas and search paths itself.
@Timeout(120)
class DatabaseUrlIT {

    @ParameterizedTest
    @ValueSource(strings = {"options=-c%20search_path=apps", "currentSchema=apps&options=--work-mem=8MB"})
    void tablesAreMadeAndUsedInTheSameSchema(String parameters) throws Exception {
        Database database = Postgres.shared().createEmptyDatabase();
        database.execute("create schema apps");

        requireCounts(new Database(database.url() + "?" + parameters, database.username(), database.password()));

        assertThat(database.queryLong("select value from apps.counter")).isEqualTo(7);
        assertThat(database.queryLong("select count(*) from pg_tables where schemaname = 'public'"))
                .isZero();
    }

    @Test
    void theNameOfADatabaseMayBePercentEncoded() throws Exception {
        Database plain = Postgres.shared().createEmptyDatabase();
        String name = plain.queryString("select current_database()");
        String odd = name + "+é @/";
        Database postgres = new Database(plain.url().replace(name, "postgres"), plain.username(), plain.password());
        postgres.execute("alter database " + name + " rename to \"" + odd + "\"");

        requireCounts(new Database(plain.url() + "+%C3%A9%20%40%2F", plain.username(), plain.password()));
    }

    @Test
    void thePrimaryIsFoundAmongSeveralHosts() throws Exception {
        Database primary = Postgres.shared().createEmptyDatabase();
        URI address = URI.create(primary.url());
        String name = address.getPath().substring(1);
        try (EmbeddedPostgres replica = EmbeddedPostgres.startTemporary()) {
            Database copy = replica.createDatabase(name);
            // Waits for changes that never come, and refuses to write.
            copy.execute("copy (select 1) to program 'cat > standby.signal'");
            replica.restart();
            assertThat(copy.queryString("select pg_is_in_recovery()::text")).isEqualTo("true");

            requireCounts(new Database(
                    "postgresql://127.0.0.1:%d,127.0.0.1:%d,%s/%s"
                            .formatted(/* closed */ 1, replica.port(), address.getAuthority(), name),
                    primary.username(),
                    primary.password()));
        }
        assertThat(primary.queryLong("select value from counter")).isEqualTo(7);
    }

    private static void requireCounts(Database database) {
        try (TallyServer server = TallyServer.start(database)) {
            TallyClient client = new TallyClient(server.uri());
            assertThat(client.increment("urls/one", 7).status()).isEqualTo(200);
            client.requireBalancedBooks();
        }
    }
}
