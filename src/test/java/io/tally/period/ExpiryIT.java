package io.tally.period;

import static org.assertj.core.api.Assertions.assertThat;

import io.tally.testing.Clients;
import io.tally.testing.Database;
import io.tally.testing.EventStream;
import io.tally.testing.Postgres;
import io.tally.testing.TallyClient;
import io.tally.testing.TallyClient.Answer;
import io.tally.testing.TallyServer;
import java.sql.SQLException;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.UUID;
import java.util.stream.StreamSupport;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;
import tools.jackson.databind.JsonNode;

/** Counters that expire, on two instances of one database. No pass removes their rows. */
@Timeout(120)
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class ExpiryIT {

    private static final String TTL = "{\"ttlSeconds\":1000}";
    private static final String KEY = "Idempotency-Key";

    private Database database;
    private TallyServer one;
    private TallyServer other;
    private TallyClient client;
    private TallyClient otherClient;

    @BeforeAll
    void start() throws SQLException {
        database = Postgres.shared().createDatabase();
        // Without its row, a pass has no lease.
        database.executeInEach("delete from sweep where kind = 'expiry'");
        one = TallyServer.start(database);
        other = TallyServer.start(database, "tally.watch.interval", "20ms");
        client = new TallyClient(one.uri());
        otherClient = new TallyClient(other.uri());
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

    private static String name() {
        return UUID.randomUUID().toString();
    }

    private static String path(String name) {
        return "/v1/counters/expiry/" + name;
    }

    /** Sets the time of expiry of a stored counter to the past. */
    private void expire(String name) throws SQLException {
        assertThat(rows(name)).isOne();
        database.of("expiry")
                .execute(
                        "update counter set expires_at = now() - interval '1 ms'"
                                + " where namespace = 'expiry' and name = ?",
                        name);
    }

    private long rows(String name) throws SQLException {
        return database.of("expiry")
                .queryLong("select count(*) from counter where namespace = 'expiry' and name = ?", name);
    }

    private String expired() throws SQLException {
        String name = name();
        client.put("expiry/" + name, TTL);
        client.increment("expiry/" + name, 5);
        expire(name);
        return name;
    }

    private static List<String> names(Answer page) {
        assertThat(page.status()).as(page.body()).isEqualTo(200);
        return StreamSupport.stream(page.json().path("items").spliterator(), false)
                .map(item -> item.path("name").asString())
                .toList();
    }

    // ---- Readers

    @Test
    void isAbsentForEveryReader() throws SQLException {
        String name = expired();

        for (String suffix : List.of("", "/periods", "/members", "/members/ann")) {
            assertThat(client.get(path(name) + suffix).problem()).as(suffix).isEqualTo("not-found");
        }
        EventStream stream = new EventStream(other.uri(), path(name) + "/events");
        assertThat(stream.status()).isEqualTo(404);
        stream.close();
        assertThat(client.send("DELETE", path(name), "").problem()).isEqualTo("not-found");
        assertThat(client.send("PATCH", path(name), "{\"value\":1}", "If-Match", "*")
                        .problem())
                .isEqualTo("not-found");
        for (String tag : List.of("*", "\"2\"")) {
            assertThat(client.increment("expiry/" + name, 1, "If-Match", tag).status())
                    .as(tag)
                    .isEqualTo(412);
        }
        assertThat(client.send("POST", path(name) + "/increments", "{\"delta\":3,\"dryRun\":true}")
                        .body())
                .isEqualTo("{\"value\":3,\"version\":1,\"delta\":3,\"dryRun\":true}");
        assertThat(rows(name)).as("stored").isOne();
    }

    @ParameterizedTest
    @ValueSource(strings = {"name", "value", "-value", "growth", "-growth"})
    void isAbsentInLists(String sort) throws SQLException {
        String namespace = "list-" + name();
        for (int i = 0; i < 5; i++) {
            client.put(namespace + "/c" + i, TTL);
            client.increment(namespace + "/c" + i, i);
        }
        String list = "/v1/counters/" + namespace + "?sort=" + sort;
        assertThat(names(client.get(list))).hasSize(5);
        String cursor = client.get(list + "&limit=1").json().path("next").asString();

        database.of(namespace)
                .execute(
                        "update counter set expires_at = now() where namespace = ? and name in ('c0', 'c1', 'c3')",
                        namespace);

        assertThat(names(client.get(list))).containsExactlyInAnyOrder("c2", "c4");
        assertThat(names(client.get(list + "&cursor=" + cursor))).isSubsetOf("c2", "c4");
        List<String> found = new ArrayList<>();
        JsonNode page = client.get(list + "&limit=1").json();
        for (int pages = 0; pages <= 5; pages++) {
            page.path("items").forEach(item -> found.add(item.path("name").asString()));
            if (page.path("next").isNull()) {
                break;
            }
            page = client.get(list + "&limit=1&cursor=" + page.path("next").asString())
                    .json();
        }
        assertThat(page.path("next").isNull()).isTrue();
        assertThat(found).containsExactlyInAnyOrder("c2", "c4");
    }

    @Test
    void endsInALiveStream() throws Exception {
        String name = name();
        client.put("expiry/" + name, TTL);
        try (EventStream single = new EventStream(other.uri(), path(name) + "/events");
                EventStream several = new EventStream(other.uri(), "/v1/counters/expiry/events?name=" + name)) {
            assertThat(single.await(1).version()).isOne();
            assertThat(several.await(1).version()).isOne();
            expire(name);
            assertThat(single.await(2).type()).isEqualTo("deleted");
            assertThat(several.await(2).type()).isEqualTo("deleted");

            client.increment("expiry/" + name, 7);
            assertThat(several.await(3).value()).isEqualTo(7);
            assertThat(several.await(3).version()).isOne();
        }
    }

    // ---- Writers

    private static final String LIMITED = ",\"defaults\":{\"initial\":2,\"max\":9}";

    /** The ways of an increment by 3 of an absent counter. */
    enum Way {
        PLAIN("", 3),
        DEFAULTS(LIMITED, 5),
        AT_MOST(",\"atMost\":true", 3),
        TRANSACTION(LIMITED, 5),
        ITEM("", 3);

        private final String members;
        private final long value;

        Way(String members, long value) {
            this.members = members;
            this.value = value;
        }
    }

    private Answer increment(Way way, String name, String... headers) {
        String members = "\"delta\":3" + way.members;
        String item = "{\"namespace\":\"expiry\",\"name\":\"" + name + "\"," + members + "}";
        return switch (way) {
            case TRANSACTION -> client.send("POST", "/v1/transactions", "{\"increments\":[" + item + "]}", headers);
            case ITEM -> client.send("POST", "/v1/increments", "[" + item + "]", headers);
            default -> client.send("POST", path(name) + "/increments", "{" + members + "}", headers);
        };
    }

    private static JsonNode result(Answer answer) {
        assertThat(answer.status()).as(answer.body()).isEqualTo(200);
        JsonNode json = answer.json();
        return json.isArray()
                ? json.get(0)
                : json.has("results") ? json.path("results").get(0) : json;
    }

    private static String values(Answer answer) {
        return result(answer).path("value") + "@" + result(answer).path("version");
    }

    @ParameterizedTest
    @EnumSource
    void incrementsMakeANewCounter(Way way) throws Exception {
        for (String[] headers : List.of(new String[0], new String[] {KEY, name()})) {
            String name = name();
            client.put("expiry/" + name, "{\"ttlSeconds\":1000,\"period\":{\"every\":\"PT1H\"}}");
            client.increment("expiry/" + name, 4);
            database.of("expiry")
                    .execute(
                            "update counter set period_end = date_trunc('second', now()), snapshot_value = 4"
                                    + " where name = ?",
                            name);
            assertThat(client.increment("expiry/" + name, 2)
                            .json()
                            .path("value")
                            .asLong())
                    .isEqualTo(2);
            assertThat(client.get(path(name) + "/periods").json().path("items").size())
                    .isOne();
            expire(name);

            JsonNode result = result(increment(way, name, headers));

            assertThat(result.path("value").asLong()).isEqualTo(way.value);
            assertThat(result.path("version").asLong()).isOne();
            JsonNode counter = client.get(path(name)).json();
            assertThat(counter.path("value").asLong()).isEqualTo(way.value);
            assertThat(counter.path("expiresAt").isNull()).isTrue();
            assertThat(counter.path("period").isNull()).isTrue();
            assertThat(client.get(path(name) + "/periods").json().path("items").size())
                    .as("periods of the former counter")
                    .isZero();
            assertThat(database.of("expiry")
                            .queryString("select (snapshot_value is null)::text from counter where name = ?", name))
                    .isEqualTo("true");
            Clients.await(
                    "the rows are gone, too",
                    Duration.ofSeconds(30),
                    database.of("expiry").is(0, "select count(*) from ended_period where name = ?", name));
        }
    }

    @Test
    void creationMakesANewCounter() throws SQLException {
        String name = expired();
        Answer created = client.put("expiry/" + name, "{\"initial\":8,\"max\":9}");
        assertThat(created.status()).isEqualTo(201);
        assertThat(created.json().path("version").asLong()).isOne();
        assertThat(created.json().path("value").asLong()).isEqualTo(8);
        assertThat(created.json().path("expiresAt").isNull()).isTrue();
        assertThat(Instant.parse(created.json().path("createdAt").asString()))
                .isAfter(Instant.now().minusSeconds(60));
    }

    @Test
    void aMemberMakesANewCounter() throws SQLException {
        String name = expired();
        Answer joined = client.send("PUT", path(name) + "/members/ann", "");
        assertThat(joined.status()).isEqualTo(201);
        assertThat(joined.json().path("version").asLong()).isOne();
        assertThat(client.get(path(name)).json().path("kind").asString()).isEqualTo("members");

        String left = expired();
        assertThat(client.send("DELETE", path(left) + "/members/ann", "").body())
                .isEqualTo("{\"member\":false,\"value\":0,\"version\":0}");
        assertThat(client.get(path(left)).status()).isEqualTo(404);
    }

    @ParameterizedTest
    @EnumSource
    void aReplayAfterItCreatesNothing(Way way) throws SQLException {
        for (boolean isRemoved : List.of(false, true)) {
            String name = name();
            String key = name();
            client.put("expiry/" + name, "{\"initial\":10,\"ttlSeconds\":1000}");
            Answer original = increment(way, name, KEY, key);
            assertThat(result(original).path("value").asLong()).isEqualTo(13);
            expire(name);
            if (isRemoved) {
                client.increment("expiry/" + name, 1);
                assertThat(client.send("DELETE", path(name), "").status()).isEqualTo(204);
            }

            Answer replay = increment(way, name, KEY, key);

            assertThat(values(replay)).isEqualTo(values(original));
            assertThat(client.get(path(name)).status()).isEqualTo(404);
            assertThat(rows(name)).isEqualTo(isRemoved ? 0 : 1);
        }
    }

    // ---- Times in the past

    @Test
    void aTimeInThePastIsRefused() throws SQLException {
        String name = name();
        String past = "\"expiresAt\":\"2026-01-01T00:00:00Z\"";
        assertThat(client.put("expiry/" + name, "{" + past + "}").problem()).isEqualTo("expiry-passed");
        String defaults = "\"delta\":1,\"defaults\":{" + past + "}";
        for (String members : List.of(defaults, defaults + ",\"atMost\":true", defaults + ",\"dryRun\":true")) {
            Answer refused = client.send("POST", path(name) + "/increments", "{" + members + "}");
            assertThat(refused.status()).as(members).isEqualTo(409);
            assertThat(refused.problem()).as(members).isEqualTo("expiry-passed");
        }
        String item = "{\"namespace\":\"expiry\",\"name\":\"" + name + "\"," + defaults + "}";
        Answer transaction = client.send("POST", "/v1/transactions", "{\"increments\":[" + item + "]}");
        assertThat(transaction.problem()).isEqualTo("expiry-passed");
        assertThat(transaction.json().path("item").asLong()).isZero();
        assertThat(client.send("POST", "/v1/increments", "[" + item + "]")
                        .json()
                        .get(0)
                        .toString())
                .contains("/problems/expiry-passed");
        assertThat(rows(name)).isZero();

        client.put("expiry/" + name, TTL);
        String before = client.get(path(name)).body();
        assertThat(client.send("PATCH", path(name), "{\"value\":3," + past + "}", "If-Match", "*")
                        .problem())
                .isEqualTo("expiry-passed");
        assertThat(client.get(path(name)).body()).isEqualTo(before);
        // An existing counter ignores what it would have begun with.
        assertThat(client.put("expiry/" + name, "{" + past + "}").status()).isEqualTo(200);
        assertThat(client.send("POST", path(name) + "/increments", "{" + defaults + "}")
                        .status())
                .isEqualTo(200);
    }

    @Test
    void aLifeThatIsOverAlreadyIsRefused() throws SQLException {
        String name = name();
        client.put("expiry/" + name, "");
        database.of("expiry").execute("update counter set created_at = now() - interval '100 s' where name = ?", name);
        Answer refused = client.send("PATCH", path(name), "{\"ttlSeconds\":99}", "If-Match", "*");
        assertThat(refused.problem()).isEqualTo("expiry-passed");
        assertThat(client.get(path(name)).json().path("version").asLong()).isOne();
        Answer patched = client.send("PATCH", path(name), "{\"ttlSeconds\":200}", "If-Match", "*");
        assertThat(Instant.parse(patched.json().path("expiresAt").asString()))
                .isEqualTo(Instant.parse(patched.json().path("createdAt").asString())
                        .plusSeconds(200));
        assertThat(client.send("PATCH", path(name), "{\"expiresAt\":null}", "If-Match", "*")
                        .json()
                        .path("expiresAt")
                        .isNull())
                .isTrue();
    }

    // ---- Races

    /** An acknowledged increment. */
    private record Seen(long startNanos, long endNanos, long value, long version) {}

    @Test
    void eachIncrementCountsInExactlyOneIncarnation() throws Exception {
        String name = name();
        String body = "{\"delta\":1,\"defaults\":{\"ttlSeconds\":1}}";
        long deadline = System.nanoTime() + Duration.ofSeconds(6).toNanos();
        List<Seen> all = Clients.atOnce(16, number -> {
                    TallyClient mine = number % 2 == 0 ? client : otherClient;
                    List<Seen> seen = new ArrayList<>();
                    for (int i = 0; System.nanoTime() - deadline < 0; i++) {
                        String[] key = i % 3 == 0 ? new String[] {KEY, name + "-" + number + "-" + i} : new String[0];
                        long start = System.nanoTime();
                        Answer answer = mine.send("POST", path(name) + "/increments", body, key);
                        assertThat(answer.status()).as(answer.body()).isEqualTo(200);
                        seen.add(new Seen(
                                start,
                                System.nanoTime(),
                                answer.json().path("value").asLong(),
                                answer.json().path("version").asLong()));
                    }
                    return seen;
                })
                .stream()
                .flatMap(List::stream)
                .sorted(Comparator.comparingLong(Seen::startNanos))
                .toList();

        // Each incarnation counts from 1 without a gap, so the numbers of equal values never rise.
        assertThat(all).allMatch(seen -> seen.value() == seen.version());
        long[] times = new long[(int) all.stream().mapToLong(Seen::value).max().orElseThrow() + 2];
        all.forEach(seen -> times[(int) seen.value()]++);
        assertThat(times[1]).as("incarnations").isBetween(3L, 7L);
        for (int value = 1; value < times.length - 1; value++) {
            assertThat(times[value + 1]).as("after %d", value).isLessThanOrEqualTo(times[value]);
        }
        requireRealTime(all);
    }

    /** An increment that begins after another has ended has a greater value, or is of a later incarnation. */
    private static void requireRealTime(List<Seen> all) {
        List<Seen> first = all.stream().filter(seen -> seen.value() == 1).toList();
        for (int i = 0; i < first.size(); i++) {
            long from = first.get(i).endNanos();
            long until = i + 1 < first.size() ? first.get(i + 1).startNanos() : Long.MAX_VALUE;
            List<Seen> within = all.stream()
                    .filter(seen -> seen.startNanos() > from && seen.endNanos() < until)
                    .sorted(Comparator.comparingLong(Seen::value))
                    .toList();
            assertThat(within.stream().map(Seen::value)).doesNotHaveDuplicates();
            long latestStart = Long.MIN_VALUE;
            for (Seen seen : within) {
                assertThat(seen.endNanos()).isGreaterThan(latestStart);
                latestStart = Math.max(latestStart, seen.startNanos());
            }
        }
    }
}
