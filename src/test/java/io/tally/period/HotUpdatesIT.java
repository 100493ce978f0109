package io.tally.period;

import static org.assertj.core.api.Assertions.assertThat;

import io.micrometer.core.instrument.MeterRegistry;
import io.micrometer.core.instrument.Timer;
import io.tally.testing.Clients;
import io.tally.testing.Database;
import io.tally.testing.Postgres;
import io.tally.testing.TallyClient;
import io.tally.testing.TallyServer;
import java.sql.SQLException;
import java.time.Duration;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.Timeout;

/** The cost of an increment inside a period: that of any other. */
@Timeout(120)
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class HotUpdatesIT {

    private static final int INCREMENTS = 200;

    private Database database;
    private TallyServer server;
    private TallyClient client;

    @BeforeAll
    void start() throws SQLException {
        database = Postgres.shared().createDatabase();
        server = TallyServer.start(database);
        client = new TallyClient(server.uri());
    }

    @AfterAll
    void stop() {
        client.requireBalancedBooks();
        server.close();
    }

    private long batches(String path) {
        return server.bean(MeterRegistry.class).find("tally.batch").tag("path", path).timers().stream()
                .mapToLong(Timer::count)
                .sum();
    }

    private long updates(String column) {
        try {
            return database.of("hot")
                    .queryLong("select " + column + " from pg_stat_user_tables"
                            + " where schemaname = current_schema() and relname = 'counter'");
        } catch (SQLException e) {
            throw new IllegalStateException(e);
        }
    }

    private void increment(int times) {
        for (int i = 0; i < times; i++) {
            assertThat(client.increment("hot/quota", 1).status()).isEqualTo(200);
        }
    }

    @Test
    void incrementsInsideAPeriodStayHotAndFast() throws Exception {
        Instant anchor = Instant.now().truncatedTo(ChronoUnit.SECONDS).minus(Duration.ofHours(10));
        client.put(
                "hot/quota",
                "{\"max\":100000,\"ttlSeconds\":100000,\"period\":{\"every\":\"PT1000H\",\"anchor\":\"" + anchor
                        + "\"}}");
        increment(1);
        long updates = updates("n_tup_upd");
        long hot = updates("n_tup_hot_upd");
        long fast = batches("fast");
        long conditional = batches("conditional");
        long read = batches("read");

        increment(INCREMENTS);

        assertThat(batches("fast") - fast).isEqualTo(INCREMENTS);
        assertThat(batches("conditional")).isEqualTo(conditional);
        assertThat(batches("read")).isEqualTo(read);
        // A session reports its numbers up to a second late.
        Clients.await(
                "the numbers of updates", Clients.PATIENCE, () -> updates("n_tup_upd") - updates >= INCREMENTS - 1);
        assertThat(updates("n_tup_hot_upd") - hot).isGreaterThan(INCREMENTS * 9 / 10);
    }

    @Test
    void onlyTheFirstIncrementOfAPeriodIsDecided() throws SQLException {
        Instant anchor = Instant.now().truncatedTo(ChronoUnit.SECONDS).minus(Duration.ofHours(10));
        client.put("hot/next", "{\"period\":{\"every\":\"PT1000H\",\"anchor\":\"" + anchor + "\"}}");
        client.increment("hot/next", 1);
        database.of("hot")
                .execute("update counter set period_start = period_start - interval '1000 hours',"
                        + " period_end = period_end - interval '1000 hours' where name = 'next'");
        long conditional = batches("conditional");
        long fast = batches("fast");

        for (int i = 1; i <= 20; i++) {
            assertThat(client.increment("hot/next", 1).json().path("value").asLong())
                    .isEqualTo(i);
        }

        assertThat(batches("conditional") - conditional).isBetween(1L, 2L);
        assertThat(batches("fast") - fast).isGreaterThanOrEqualTo(19);
    }
}
