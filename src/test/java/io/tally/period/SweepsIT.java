package io.tally.period;

import static org.assertj.core.api.Assertions.assertThat;

import io.tally.testing.Clients;
import io.tally.testing.Database;
import io.tally.testing.EventStream;
import io.tally.testing.EventStream.Event;
import io.tally.testing.Postgres;
import io.tally.testing.TallyClient;
import io.tally.testing.TallyClient.Answer;
import io.tally.testing.TallyServer;
import java.sql.SQLException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.UUID;
import java.util.function.BooleanSupplier;
import java.util.stream.StreamSupport;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.Timeout;

/** The passes that begin periods and remove expired counters, on two instances of one database. */
@Tag("four-shards")
@Timeout(180)
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class SweepsIT {

    /** A pass takes moments, and begins each second. */
    private static final Duration SOON = Duration.ofSeconds(30);

    private static final String PERIOD = "\"period\":{\"every\":\"PT1000H\"}";
    private static final String END =
            "update counter set period_start = now() - interval '1000 hours', period_end = now()";

    private Database database;
    private TallyServer one;
    private TallyServer other;
    private TallyClient client;

    @BeforeAll
    void start() throws SQLException {
        database = Postgres.shared().createDatabase();
        one = TallyServer.start(database);
        other = TallyServer.start(database, "tally.watch.interval", "20ms");
        client = new TallyClient(one.uri());
    }

    @AfterAll
    void stop() {
        one.close();
        other.close();
    }

    @AfterEach
    void booksBalance() {
        client.requireBalancedBooks();
    }

    private static String fresh() {
        return "sweep-" + UUID.randomUUID();
    }

    private BooleanSupplier count(long expected, String condition, String namespace) {
        return database.of(namespace)
                .is(expected, "select count(*) from counter where namespace = ? and " + condition, namespace);
    }

    /** Waits until a pass over each shard that began after this call has ended. */
    private static void awaitPass(Database database, String kind) throws Exception {
        String now = database.queryString("select now()::text");
        for (Database shard : database.shards()) {
            Clients.await(
                    "a pass",
                    SOON,
                    shard.is(
                            1,
                            "select count(*) from sweep where kind = ? and reached > ?::text::timestamptz",
                            kind,
                            now));
        }
    }

    /** The holder of the passes over each shard: an id for each shard of each instance. */
    private static List<String> holders(Database database) throws SQLException {
        List<String> holders = new ArrayList<>();
        for (Database shard : database.shards()) {
            holders.add(shard.queryString("select string_agg(distinct holder, ',') from sweep"));
        }
        return holders;
    }

    @Test
    void aPassBeginsOnlyPeriodsThatChangeTheValue() throws Exception {
        String namespace = fresh();
        for (int i = 0; i < 20; i++) {
            client.put(namespace + "/c" + i, "{\"initial\":5," + PERIOD + "}");
            if (i % 2 == 0) {
                client.increment(namespace + "/c" + i, i + 1);
            }
        }
        database.of(namespace).execute(END + " where namespace = ?", namespace);
        String rows = "select coalesce(string_agg(name || xmin, ',' order by name), '') from counter"
                + " where namespace = ? and period_version = 0 and value = 5";
        String untouched = database.of(namespace).queryString(rows, namespace);
        List<String> before = bodies(namespace);

        Clients.await("stored", SOON, count(0, "value <> 5", namespace));
        awaitPass(database, "periods");

        assertThat(count(10, "period_end > now()", namespace).getAsBoolean()).isTrue();
        assertThat(database.of(namespace).queryString(rows, namespace))
                .as("rows that keep their value")
                .isEqualTo(untouched);
        assertThat(bodies(namespace)).as("what a read shows").isEqualTo(before);
        assertThat(database.of(namespace).queryLong("select count(*) from ended_period where namespace = ?", namespace))
                .isEqualTo(10);
        for (int i = 0; i < 20; i += 2) {
            Answer periods = client.get("/v1/counters/" + namespace + "/c" + i + "/periods");
            assertThat(periods.json().path("items").get(0).path("value").asLong())
                    .isEqualTo(6 + i);
        }
    }

    private List<String> bodies(String namespace) {
        return StreamSupport.stream(
                        client.get("/v1/counters/" + namespace)
                                .json()
                                .path("items")
                                .spliterator(),
                        false)
                .map(Object::toString)
                .toList();
    }

    @Test
    void aPassRemovesExpiredCountersAndTheirPeriods() throws Exception {
        String namespace = fresh();
        for (int i = 0; i < 20; i++) {
            client.put(namespace + "/c" + i, "{\"ttlSeconds\":1000," + PERIOD + "}");
            client.increment(namespace + "/c" + i, i);
        }
        database.of(namespace).execute(END + " where namespace = ?", namespace);
        Clients.await("stored", SOON, count(0, "value <> 0", namespace));
        assertThat(database.of(namespace).queryLong("select count(*) from ended_period where namespace = ?", namespace))
                .isEqualTo(19);
        client.increment(namespace + "/kept", 3);

        database.of(namespace)
                .execute("update counter set expires_at = now() where namespace = ? and name <> 'kept'", namespace);

        Clients.await("removed", SOON, count(1, "true", namespace));
        Clients.await(
                "periods removed, too",
                SOON,
                database.of(namespace).is(0, "select count(*) from ended_period where namespace = ?", namespace));
        assertThat(client.value(namespace + "/kept")).isEqualTo(3);
    }

    @Test
    void listsByValueFollowWithinSeconds() throws Exception {
        String namespace = fresh();
        client.put(namespace + "/quota", "{" + PERIOD + "}");
        client.increment(namespace + "/quota", 10);
        client.increment(namespace + "/plain", 5);
        assertThat(byValue(namespace)).containsExactly("quota 10", "plain 5");

        database.of(namespace).execute(END + " where namespace = ? and name = 'quota'", namespace);

        Clients.await("the order", SOON, () -> byValue(namespace).equals(List.of("plain 5", "quota 0")));
    }

    private List<String> byValue(String namespace) {
        return StreamSupport.stream(
                        client.get("/v1/counters/" + namespace + "?sort=-value")
                                .json()
                                .path("items")
                                .spliterator(),
                        false)
                .map(item -> item.path("name").asString() + " " + item.path("value"))
                .toList();
    }

    @Test
    void liveStreamsShowEachPeriod() throws Exception {
        String namespace = fresh();
        client.put(namespace + "/quota", "{\"initial\":2,\"period\":{\"every\":\"PT1S\"}}");
        try (EventStream stream = new EventStream(other.uri(), "/v1/counters/" + namespace + "/quota/events")) {
            long version = client.increment(namespace + "/quota", 7)
                    .json()
                    .path("version")
                    .asLong();
            // A busy machine may miss a period of a second, since streams skip outdated states.
            Clients.await(
                    "three periods",
                    Clients.PATIENCE,
                    () -> stream.events().stream().anyMatch(event -> event.version() >= version + 3));
            assertThat(stream.events())
                    .filteredOn(event -> event.version() > version)
                    .isNotEmpty()
                    .allSatisfy(event -> {
                        assertThat(event.value()).isEqualTo(2);
                        assertThat(event.data().path("period").path("start").asString())
                                .isEqualTo(event.data().path("updatedAt").asString());
                    });
            assertThat(stream.events().stream().map(Event::version)).isSorted().doesNotHaveDuplicates();
        }
    }

    @Test
    void anotherInstanceTakesOverFromAHolderThatStops() throws Exception {
        Database own = Postgres.shared().createDatabase();
        TallyServer first = TallyServer.start(own);
        awaitPass(own, "periods");
        awaitPass(own, "expiry");
        List<String> before = holders(own);
        assertThat(before).allSatisfy(holder -> assertThat(holder).isNotEmpty().doesNotContain(","));
        try (TallyServer second = TallyServer.start(own)) {
            for (int i = 0; i < 3; i++) {
                awaitPass(own, "periods");
                assertThat(holders(own)).as("one holder").isEqualTo(before);
            }
            first.close();
            TallyClient mine = new TallyClient(second.uri());
            mine.put("sweep/late", "{\"ttlSeconds\":1}");
            Clients.await("removed", SOON, own.of("sweep").is(0, "select count(*) from counter"));
            awaitPass(own, "periods");
            awaitPass(own, "expiry");
            assertThat(holders(own))
                    .doesNotContainAnyElementsOf(before)
                    .allSatisfy(holder -> assertThat(holder).doesNotContain(","));
            mine.requireBalancedBooks();
        } finally {
            first.close();
        }
    }
}
