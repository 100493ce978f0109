package io.tally.period;

import static org.assertj.core.api.Assertions.assertThat;

import io.tally.testing.Database;
import io.tally.testing.Postgres;
import io.tally.testing.TallyClient;
import io.tally.testing.TallyClient.Answer;
import io.tally.testing.TallyServer;
import java.sql.SQLException;
import java.time.Duration;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.ArrayList;
import java.util.List;
import java.util.UUID;
import java.util.stream.LongStream;
import java.util.stream.StreamSupport;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/** Periods and expiry in requests and responses. No pass begins a period. */
@Tag("four-shards")
@Timeout(120)
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class PeriodRoutesIT {

    private static final JsonMapper JSON = new JsonMapper();
    private static final Duration LENGTH = Duration.ofHours(1_000);

    /** The start of the current period, which lasts longer than the tests. */
    private final Instant begin = Instant.now().truncatedTo(ChronoUnit.SECONDS).minus(Duration.ofHours(10));

    private final String rule = "\"period\":{\"every\":\"PT1000H\",\"anchor\":\"" + begin + "\"}";

    private Database database;
    private TallyServer server;
    private TallyClient client;

    @BeforeAll
    void start() throws SQLException {
        database = Postgres.shared().createDatabase();
        // Without its row, a pass has no lease.
        database.executeInEach("delete from sweep where kind = 'periods'");
        server = TallyServer.start(database);
        client = new TallyClient(server.uri());
    }

    @AfterAll
    void stop() {
        client.requireBalancedBooks();
        server.close();
    }

    private static String name() {
        return UUID.randomUUID().toString();
    }

    private static String path(String name) {
        return "/v1/counters/period/" + name;
    }

    /** Creates a counter with periods; its version is 1. */
    private String create(String members) {
        String name = name();
        Answer created = client.put("period/" + name, "{" + members + rule + "}");
        assertThat(created.status()).as(created.body()).isEqualTo(201);
        return name;
    }

    private JsonNode increment(String name, long delta) {
        Answer answer = client.increment("period/" + name, delta);
        assertThat(answer.status()).as(answer.body()).isEqualTo(200);
        return answer.json();
    }

    private JsonNode counter(String name) {
        return client.get(path(name)).json();
    }

    private static long value(JsonNode result) {
        return result.path("value").asLong();
    }

    private static long version(JsonNode result) {
        return result.path("version").asLong();
    }

    private static Instant time(JsonNode json, String member) {
        return Instant.parse(json.path(member).asString());
    }

    /** Moves the stored periods of a counter into the past by so many periods. */
    private void pass(String name, int periods) throws SQLException {
        database.of("period")
                .execute(
                        "update counter c set period_start = p.period_start, period_end = p.period_end"
                                + " from (select namespace, name, period_start - i as period_start, period_end - i as"
                                + " period_end"
                                + " from counter, (select ? * interval '1000 hours' as i) by where name = ? offset 0) p"
                                + " where c.namespace = p.namespace and c.name = p.name",
                        periods,
                        name);
        // Far away first, so that no row takes the key of another.
        for (int shift : new int[] {1_000, periods - 1_000}) {
            database.of("period")
                    .execute(
                            "update ended_period e set started_at = p.started_at, ended_at = p.ended_at"
                                    + " from (select namespace, name, counter_created_at, ended_at as id,"
                                    + " started_at - i as started_at, ended_at - i as ended_at"
                                    + " from ended_period, (select ? * interval '1000 hours' as i) by where name = ?"
                                    + " offset 0) p"
                                    + " where e.namespace = p.namespace and e.name = p.name"
                                    + " and e.counter_created_at = p.counter_created_at and e.ended_at = p.id",
                            shift,
                            name);
        }
    }

    private String row(String name) throws SQLException {
        return database.of("period").queryString("select xmin || ' ' || c::text from counter c where name = ?", name);
    }

    // ---- GET …/periods

    private JsonNode page(String name, String query) {
        Answer page = client.get(path(name) + "/periods" + query);
        assertThat(page.status()).as(page.body()).isEqualTo(200);
        return page.json();
    }

    private static List<Long> values(JsonNode page) {
        return StreamSupport.stream(page.path("items").spliterator(), false)
                .map(PeriodRoutesIT::value)
                .toList();
    }

    @Test
    void endedPeriodsComeInPagesTheLastOneFirst() throws SQLException {
        String name = create("");
        for (int i = 1; i <= 5; i++) {
            increment(name, i);
            pass(name, 1);
        }

        JsonNode all = page(name, "");
        assertThat(values(all)).containsExactly(5L, 4L, 3L, 2L, 1L);
        assertThat(all.path("next").isNull()).isTrue();
        Instant end = begin;
        for (JsonNode item : all.path("items")) {
            assertThat(time(item, "end")).isEqualTo(end);
            end = time(item, "start");
            assertThat(end).isEqualTo(time(item, "end").minus(LENGTH));
        }
        List<Long> paged = new ArrayList<>();
        JsonNode page = page(name, "?limit=2");
        paged.addAll(values(page));
        // The last period leaves the row of the counter between two pages.
        increment(name, 6);
        while (!page.path("next").isNull()) {
            assertThat(page.path("items").size()).isEqualTo(2);
            page = page(name, "?limit=2&cursor=" + page.path("next").asString());
            paged.addAll(values(page));
        }
        assertThat(paged).containsExactly(5L, 4L, 3L, 2L, 1L);
        assertThat(page(name, "")).isEqualTo(all);
        assertThat(database.of("period").queryLong("select count(*) from ended_period where name = ?", name))
                .isEqualTo(5);
    }

    @Test
    void aPeriodWithoutOperationsIsNotListed() throws SQLException {
        String name = create("");
        increment(name, 2);
        pass(name, 4);
        assertThat(values(page(name, ""))).containsExactly(2L);
        // An operation that is refused or adds nothing is none; one that adds 0 is one.
        assertThat(client.send("POST", path(name) + "/increments", "{\"delta\":0,\"atMost\":true}")
                        .status())
                .isEqualTo(200);
        assertThat(values(page(name, ""))).containsExactly(2L);
        increment(name, 0);
        pass(name, 1);
        assertThat(values(page(name, ""))).containsExactly(0L, 2L);
    }

    @Test
    void periodsOfACounterWithoutPeriodsAreAnEmptyPage() {
        String plain = name();
        client.increment("period/" + plain, 1);
        assertThat(page(plain, "").toString()).isEqualTo("{\"items\":[],\"next\":null}");
        String members = name();
        client.send("PUT", path(members) + "/members/ann", "");
        assertThat(page(members, "").toString()).isEqualTo("{\"items\":[],\"next\":null}");
    }

    @Test
    void periodsOfAnAbsentCounterAreNotFound() {
        Answer absent = client.get(path(name()) + "/periods");
        assertThat(absent.status()).isEqualTo(404);
        assertThat(absent.problem()).isEqualTo("not-found");
    }

    @Test
    void malformedPagesAreRefused() throws SQLException {
        String name = create("");
        for (int i = 0; i < 2; i++) {
            increment(name, 1);
            pass(name, 1);
        }
        String next = page(name, "?limit=1").path("next").asString();
        String other = create("");
        for (String query : List.of("limit=0", "limit=1001", "limit=x", "cursor=x", "cursor=", "sort=value")) {
            Answer refused = client.get(path(name) + "/periods?" + query);
            assertThat(refused.status()).as(query).isEqualTo(400);
        }
        assertThat(client.get(path(other) + "/periods?cursor=" + next).status())
                .as("cursor of another counter")
                .isEqualTo(400);
        assertThat(client.get("/v1/counters/period?cursor=" + next).status()).isEqualTo(400);
        assertThat(client.send("DELETE", path(name) + "/periods", "").status()).isEqualTo(405);
    }

    // ---- Bodies

    @ParameterizedTest
    @ValueSource(
            strings = {
                "\"period\":5",
                "\"period\":\"PT1S\"",
                "\"period\":[]",
                "\"period\":{}",
                "\"period\":{\"zone\":\"UTC\"}",
                "\"period\":{\"every\":null}",
                "\"period\":{\"every\":1}",
                "\"period\":{\"every\":\"\"}",
                "\"period\":{\"every\":\"minute\"}",
                "\"period\":{\"every\":\"PT0S\"}",
                "\"period\":{\"every\":\"PT0.5S\"}",
                "\"period\":{\"every\":\"-PT1S\"}",
                "\"period\":{\"every\":\"P1000Y\"}",
                "\"period\":{\"every\":\"PT1S\",\"zone\":1}",
                "\"period\":{\"every\":\"PT1S\",\"zone\":\"Nowhere/There\"}",
                "\"period\":{\"every\":\"PT1S\",\"anchor\":1}",
                "\"period\":{\"every\":\"PT1S\",\"anchor\":\"yesterday\"}",
                "\"period\":{\"every\":\"PT1S\",\"anchor\":\"2026-02-30\"}",
                "\"period\":{\"every\":\"PT1S\",\"start\":\"2026-01-01T00:00:00Z\"}",
                "\"ttlSeconds\":0",
                "\"ttlSeconds\":-1",
                "\"ttlSeconds\":1.5",
                "\"ttlSeconds\":1e3",
                "\"ttlSeconds\":true",
                "\"ttlSeconds\":\"a day\"",
                "\"ttlSeconds\":3162240001",
                "\"ttlSeconds\":9223372036854775808",
                "\"expiresAt\":1",
                "\"expiresAt\":\"soon\"",
                "\"expiresAt\":\"2100-01-01\"",
                "\"expiresAt\":\"2100-01-01T00:00:00\"",
                "\"expiresAt\":\"2100-02-30T00:00:00Z\"",
                "\"expiresAt\":\"+10000-01-01T00:00:00Z\"",
                "\"expiresAt\":{}",
                "\"ttlSeconds\":60,\"expiresAt\":\"2100-01-01T00:00:00Z\"",
                "\"ttl\":60",
                "\"end\":\"2100-01-01T00:00:00Z\""
            })
    void malformedBodiesAreRefused(String members) throws SQLException {
        String absent = name();
        String name = create("");
        String before = row(name);

        assertMalformed(client.put("period/" + absent, "{" + members + "}"));
        assertMalformed(client.put("period/" + name, "{" + members + "}"));
        assertMalformed(client.send("PATCH", path(name), "{" + members + "}", "If-Match", "*"));
        String defaults = "\"defaults\":{" + members + "}";
        for (String counter : List.of(absent, name)) {
            assertMalformed(client.send("POST", path(counter) + "/increments", "{" + defaults + "}"));
            String item = "{\"namespace\":\"period\",\"name\":\"" + counter + "\",\"delta\":1," + defaults + "}";
            assertMalformed(client.send("POST", "/v1/transactions", "{\"increments\":[" + item + "]}"));
            for (String[] body : List.of(
                    new String[] {"[" + item + "]", "application/json"},
                    new String[] {item + "\n", "application/x-ndjson"})) {
                Answer items = client.send("POST", "/v1/increments", body[0], "Content-Type", body[1]);
                assertThat(items.status()).as(items.body()).isEqualTo(200);
                assertThat(items.body()).contains("/problems/malformed");
            }
        }

        assertThat(client.get(path(absent)).status()).isEqualTo(404);
        assertThat(row(name)).isEqualTo(before);
    }

    private static void assertMalformed(Answer answer) {
        assertThat(answer.status()).as(answer.body()).isEqualTo(400);
        assertThat(answer.problem()).isEqualTo("malformed");
    }

    @Test
    void nullIsNoPeriodAndNoExpiry() {
        String name = name();
        client.put("period/" + name, "{\"period\":null,\"ttlSeconds\":null}");
        assertThat(counter(name).path("period").isNull()).isTrue();
        assertThat(counter(name).path("expiresAt").isNull()).isTrue();
    }

    @Test
    void aCounterShowsItsRuleAndItsTimes() {
        String name = name();
        client.put(
                "period/" + name,
                "{\"period\":{\"every\":\"PT1M\",\"anchor\":null,\"zone\":null},\"ttlSeconds\":\"90\"}");
        JsonNode counter = counter(name);
        JsonNode period = counter.path("period");
        assertThat(period.propertyNames()).containsExactly("every", "anchor", "zone", "start", "end");
        assertThat(period.path("every").asString()).isEqualTo("PT1M");
        assertThat(time(period, "end")).isEqualTo(time(period, "start").plusSeconds(60));
        assertThat(time(period, "start").getEpochSecond() % 60).isZero();
        assertThat(time(counter, "expiresAt"))
                .isEqualTo(time(counter, "createdAt").plusSeconds(90));
    }

    // ---- PATCH

    private JsonNode patch(String name, String body) {
        Answer answer = client.send("PATCH", path(name), body, "If-Match", "*");
        assertThat(answer.status()).as(answer.body()).isEqualTo(200);
        assertThat(answer.json()).isEqualTo(counter(name));
        return answer.json();
    }

    @Test
    void aNewRuleKeepsTheValueAndTheStartAndTakesTheNewEnd() throws SQLException {
        String name = create("");
        increment(name, 4);
        Instant anchor = begin.minus(Duration.ofHours(1));

        JsonNode patched = patch(name, "{\"period\":{\"every\":\"PT20H\",\"anchor\":\"" + anchor + "\"}}");

        assertThat(value(patched)).isEqualTo(4);
        assertThat(version(patched)).isEqualTo(3);
        assertThat(time(patched.path("period"), "start")).isEqualTo(begin);
        assertThat(time(patched.path("period"), "end")).isEqualTo(anchor.plus(Duration.ofHours(20)));
        database.of("period")
                .execute("update counter set period_end = ?::timestamptz where name = ?", anchor.toString(), name);
        assertThat(value(counter(name))).isZero();
        assertThat(version(counter(name))).isEqualTo(4);
        assertThat(values(page(name, ""))).containsExactly(4L);
    }

    @Test
    void aPeriodIsAddedAndRemoved() throws SQLException {
        String name = name();
        client.increment("period/" + name, 7);
        JsonNode added = patch(name, "{" + rule + "}");
        assertThat(value(added)).isEqualTo(7);
        assertThat(time(added.path("period"), "start")).isEqualTo(begin);
        pass(name, 1);
        assertThat(increment(name, 2).toString()).isEqualTo("{\"value\":2,\"version\":4,\"delta\":2}");

        JsonNode removed = patch(name, "{\"period\":null}");

        assertThat(removed.path("period").isNull()).isTrue();
        assertThat(value(removed)).isEqualTo(2);
        assertThat(version(removed)).isEqualTo(5);
        assertThat(values(page(name, ""))).containsExactly(7L);
        assertThat(database.of("period")
                        .queryLong(
                                "select num_nulls(period, period_start, period_end, period_version) from counter"
                                        + " where name = ?",
                                name))
                .isEqualTo(4);
    }

    @Test
    void aPatchAfterTheEndChangesTheNextPeriod() throws SQLException {
        String name = create("\"initial\":3,");
        increment(name, 4);
        pass(name, 2);
        JsonNode patched = patch(name, "{\"max\":50}");
        assertThat(value(patched)).isEqualTo(3);
        assertThat(version(patched)).isEqualTo(5);
        assertThat(time(patched.path("period"), "start")).isEqualTo(begin);
        assertThat(values(page(name, ""))).containsExactly(7L);
    }

    @Test
    void theRestOfAPatchKeepsThePeriodAndTheExpiry() {
        String name = create("\"ttlSeconds\":500,");
        JsonNode before = counter(name);
        JsonNode after = patch(name, "{\"value\":9}");
        assertThat(after.path("period")).isEqualTo(before.path("period"));
        assertThat(after.path("expiresAt")).isEqualTo(before.path("expiresAt"));
    }

    // ---- Periods without operations

    @Test
    void idlePeriodsAreComputed() throws SQLException {
        String name = create("\"initial\":5,");
        increment(name, 1);
        String stored = client.get(path(name)).header("ETag");
        pass(name, 3);
        String row = row(name);

        Answer read = client.get(path(name));
        assertThat(value(read.json())).isEqualTo(5);
        assertThat(version(read.json())).isEqualTo(2 + 3);
        assertThat(read.header("ETag")).isEqualTo("\"5\"").isNotEqualTo(stored);
        assertThat(time(read.json().path("period"), "start")).isEqualTo(begin);
        assertThat(time(read.json(), "updatedAt")).isEqualTo(begin);
        assertThat(client.get(path(name), "If-None-Match", "\"5\"").status()).isEqualTo(304);
        assertThat(client.get(path(name), "If-None-Match", stored).status()).isEqualTo(200);
        assertThat(client.put("period/" + name, "").body()).isEqualTo(read.body());
        Answer dry = client.send("POST", path(name) + "/increments", "{\"delta\":2,\"dryRun\":true}");
        assertThat(dry.body()).isEqualTo("{\"value\":7,\"version\":6,\"delta\":2,\"dryRun\":true}");
        Answer failed = client.increment("period/" + name, 1, "If-Match", stored);
        assertThat(failed.status()).isEqualTo(412);
        assertThat(client.send("PATCH", path(name), "{\"value\":1}", "If-Match", stored)
                        .status())
                .isEqualTo(412);
        assertThat(row(name)).as("no read writes").isEqualTo(row);

        Answer applied = client.increment("period/" + name, 1, "If-Match", "\"5\"");
        assertThat(applied.body()).isEqualTo("{\"value\":6,\"version\":6,\"delta\":1}");
        assertThat(values(page(name, ""))).containsExactly(6L);
    }

    @ParameterizedTest
    @ValueSource(strings = {"", "Idempotency-Key"})
    void theFirstIncrementAfterTheEndBeginsThePeriod(String header) throws SQLException {
        String name = create("\"initial\":5,");
        increment(name, 1);
        pass(name, 2);
        String[] headers = header.isEmpty() ? new String[0] : new String[] {header, name};
        assertThat(client.increment("period/" + name, 2, headers).body())
                .isEqualTo("{\"value\":7,\"version\":5,\"delta\":2}");
        assertThat(time(counter(name).path("period"), "start")).isEqualTo(begin);
        if (headers.length > 0) {
            pass(name, 1);
            Answer replay = client.increment("period/" + name, 2, headers);
            assertThat(replay.body()).isEqualTo("{\"value\":7,\"version\":5,\"delta\":2}");
            assertThat(version(counter(name))).isEqualTo(6);
        }
    }

    // ---- Refusals

    @Test
    void aRefusalSaysWhenToComeBack() throws SQLException {
        String name = create("\"min\":0,\"max\":10,");
        increment(name, 10);
        Instant end = begin.plus(LENGTH);
        String item = "{\"namespace\":\"period\",\"name\":\"" + name + "\",\"delta\":%d}";
        for (long delta : LongStream.of(1, 10, 11, -11).toArray()) {
            boolean room = delta >= 0 && delta <= 10;
            Answer single = client.increment("period/" + name, delta);
            Answer transaction =
                    client.send("POST", "/v1/transactions", "{\"increments\":[" + item.formatted(delta) + "]}");
            for (Answer refused : List.of(single, transaction)) {
                assertRenewal(refused.json(), end, room);
                assertThat(refused.header("Retry-After"))
                        .isEqualTo(
                                room ? refused.json().path("retryAfterSeconds").asString() : "");
            }
            JsonNode array = client.send("POST", "/v1/increments", "[" + item.formatted(delta) + "]")
                    .json();
            assertRenewal(array.get(0).path("problem"), end, room);
            Answer lines = client.send(
                    "POST", "/v1/increments", item.formatted(delta) + "\n", "Content-Type", "application/x-ndjson");
            assertRenewal(JSON.readTree(lines.body()).path("problem"), end, room);
            Answer dry = client.send("POST", path(name) + "/increments", "{\"dryRun\":true,\"delta\":" + delta + "}");
            assertRenewal(dry.json(), end, room);
        }
        Answer strings = client.increment("period/" + name, 1, "Prefer", "int64=string");
        assertThat(strings.json().path("limit").isString()).isTrue();
        assertThat(strings.json().path("retryAfterSeconds").isNumber()).isTrue();

        // After the end there is room, and the state that refused is no longer right.
        pass(name, 1);
        assertThat(increment(name, 10).toString()).isEqualTo("{\"value\":10,\"version\":4,\"delta\":10}");
        assertRenewal(client.increment("period/" + name, 1).json(), end, true);
    }

    private static void assertRenewal(JsonNode problem, Instant end, boolean room) {
        assertThat(problem.path("type").asString()).as(problem.toString()).isEqualTo("/problems/bound-exceeded");
        assertThat(time(problem, "end")).isEqualTo(end);
        assertThat(problem.path("detail").asString()).contains(" until " + end + ".");
        if (room) {
            long seconds = problem.path("retryAfterSeconds").asLong();
            Duration left = Duration.between(Instant.now(), end);
            assertThat(seconds).isBetween(left.toSeconds(), left.toSeconds() + 120);
        } else {
            assertThat(problem.has("retryAfterSeconds")).isFalse();
        }
    }

    @Test
    void aRefusalOfACounterWithoutPeriodsHasNoEnd() {
        String name = name();
        client.put("period/" + name, "{\"max\":0}");
        Answer refused = client.increment("period/" + name, 1);
        assertThat(refused.json().has("end")).isFalse();
        assertThat(refused.header("Retry-After")).isEmpty();
    }

    @Test
    void numbersBecomeStrings() throws SQLException {
        String name = create("");
        increment(name, 3);
        pass(name, 1);
        JsonNode page =
                client.get(path(name) + "/periods", "Prefer", "int64=string").json();
        assertThat(page.path("items").get(0).path("value").toString()).isEqualTo("\"3\"");
        JsonNode counter = client.get(path(name), "Prefer", "int64=string").json();
        assertThat(counter.path("version").toString()).isEqualTo("\"3\"");
        assertThat(counter.path("period").path("every").asString()).isEqualTo("PT1000H");
    }
}
