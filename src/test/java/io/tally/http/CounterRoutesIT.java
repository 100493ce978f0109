package io.tally.http;

import static org.assertj.core.api.Assertions.assertThat;

import io.tally.testing.Database;
import io.tally.testing.RawHttp;
import io.tally.testing.RawHttp.Response;
import io.tally.testing.TallyClient;
import io.tally.testing.TallyClient.Answer;
import io.tally.testing.TallyServer;
import java.sql.SQLException;
import java.time.Instant;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;
import tools.jackson.databind.JsonNode;

/**
 * One counter over HTTP, and the small routes beside it: what the contract promises, each status and each header field.
 */
@Tag("four-shards")
@Timeout(60)
class CounterRoutesIT {

    private static final String MERGE_PATCH = "application/merge-patch+json";

    private static Database database;
    private static TallyServer server;
    private static TallyClient client;
    private static TallyClient management;

    @BeforeAll
    static void start() throws SQLException {
        database = TallyServer.sharedDatabase();
        server = TallyServer.shared();
        client = new TallyClient(server.uri());
        management = new TallyClient(server.managementUri());
    }

    @AfterAll
    static void booksBalance() {
        client.requireBalancedBooks();
    }

    private static String path(String counter) {
        return "/v1/counters/" + counter;
    }

    private static Answer get(String counter, String... headers) {
        return client.get(path(counter), headers);
    }

    private static Answer patch(String counter, String body, String... headers) {
        return client.send("PATCH", path(counter), body, headers);
    }

    private static Answer delete(String counter, String... headers) {
        return client.send("DELETE", path(counter), "", headers);
    }

    private static void assertStatus(Answer answer, int status) {
        assertThat(answer.status()).as(answer.body()).isEqualTo(status);
    }

    private static void assertProblem(Answer answer, int status, String problem) {
        assertStatus(answer, status);
        assertThat(answer.header("Content-Type")).isEqualTo("application/problem+json");
        assertThat(answer.json().path("type").asString()).isEqualTo("/problems/" + problem);
        assertThat(answer.json().path("status").asInt()).isEqualTo(status);
        assertThat(answer.json().path("title").asString()).isNotBlank();
        assertThat(answer.json().path("detail").asString()).isNotBlank();
        assertThat(answer.header("ETag")).isEmpty();
    }

    private static void assertBoundExceeded(Answer answer, String bound, long limit, long value) {
        assertProblem(answer, 409, "bound-exceeded");
        assertThat(answer.json().path("bound").asString()).isEqualTo(bound);
        assertThat(answer.json().path("limit").longValue()).isEqualTo(limit);
        assertThat(answer.json().path("value").longValue()).isEqualTo(value);
    }

    private static void assertPreconditionFailed(Answer answer, long version) {
        assertProblem(answer, 412, "precondition-failed");
        assertThat(answer.json().path("version").asLong()).isEqualTo(version);
    }

    private static void assertPreconditionFailedOfNothing(Answer answer) {
        assertProblem(answer, 412, "precondition-failed");
        assertThat(answer.json().has("version")).isFalse();
    }

    /** Value, version, min and max in the database, or {@code absent}. */
    private static String stored(String counter) throws SQLException {
        int slash = counter.indexOf('/');
        String namespace = counter.substring(0, slash);
        return database.of(namespace)
                .queryString(
                        "select coalesce((select concat_ws(' ', value, version, coalesce(min::text, '-'),"
                                + " coalesce(max::text, '-')) from counter"
                                + " where namespace = ? and name = ?), 'absent')",
                        namespace,
                        counter.substring(slash + 1));
    }

    private static Instant instant(Answer answer, String member) {
        return Instant.parse(answer.json().path(member).asString());
    }

    // PUT

    @Test
    void putCreates() throws Exception {
        Answer answer = client.put("put/a", "{\"initial\":7,\"min\":-1,\"max\":10}");

        assertStatus(answer, 201);
        assertThat(answer.header("Location")).isEqualTo("/v1/counters/put/a");
        assertThat(answer.header("ETag")).isEqualTo("\"1\"");
        assertThat(answer.header("Content-Type")).isEqualTo("application/json");
        JsonNode counter = answer.json();
        assertThat(counter.propertyNames())
                .containsExactlyInAnyOrder(
                        "namespace",
                        "name",
                        "kind",
                        "value",
                        "version",
                        "initial",
                        "min",
                        "max",
                        "period",
                        "expiresAt",
                        "createdAt",
                        "updatedAt");
        assertThat(counter.path("namespace").asString()).isEqualTo("put");
        assertThat(counter.path("name").asString()).isEqualTo("a");
        assertThat(counter.path("kind").asString()).isEqualTo("plain");
        assertThat(counter.path("value").longValue()).isEqualTo(7);
        assertThat(counter.path("version").longValue()).isEqualTo(1);
        assertThat(counter.path("min").longValue()).isEqualTo(-1);
        assertThat(counter.path("max").longValue()).isEqualTo(10);
        assertThat(stored("put/a")).isEqualTo("7 1 -1 10");
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            nullValues = "none",
            value = {
                "none              | 0 1 - -",
                "{}                | 0 1 - -",
                "{\"initial\":-3}  | -3 1 - -",
                "{\"initial\":0}   | 0 1 - -",
                "{\"min\":0}       | 0 1 0 -",
                "{\"max\":0}       | 0 1 - 0",
                "{\"min\":null,\"max\":null} | 0 1 - -",
                "{\"initial\":5,\"min\":5,\"max\":5} | 5 1 5 5",
                "{\"initial\":9223372036854775807}  | 9223372036854775807 1 - -",
                "{\"initial\":-9223372036854775808} | -9223372036854775808 1 - -",
                "{\"min\":-9223372036854775808,\"max\":9223372036854775807}"
                        + " | 0 1 -9223372036854775808 9223372036854775807"
            })
    void putTakesEachMemberOrNone(String body, String expected) throws Exception {
        String counter = "put/members";
        delete(counter);

        assertStatus(client.put(counter, body == null ? "" : body), 201);

        assertThat(stored(counter)).isEqualTo(expected);
    }

    @Test
    void putOfAnExistingCounterIgnoresTheBody() throws Exception {
        client.put("put/existing", "{\"initial\":7,\"max\":10}");

        Answer answer = client.put("put/existing", "{\"initial\":1,\"min\":1,\"max\":1}");

        assertStatus(answer, 200);
        assertThat(answer.header("Location")).isEmpty();
        assertThat(answer.header("ETag")).isEqualTo("\"1\"");
        assertThat(answer.json()).isEqualTo(get("put/existing").json());
        assertThat(stored("put/existing")).isEqualTo("7 1 - 10");
    }

    @Test
    void putIfNoneMatchCreatesOnce() throws Exception {
        assertStatus(client.put("put/once", "{\"initial\":7}", "If-None-Match", "*"), 201);

        assertPreconditionFailed(client.put("put/once", "{\"initial\":8}", "If-None-Match", "*"), 1);
        assertThat(stored("put/once")).isEqualTo("7 1 - -");
    }

    @Test
    void putIfMatchNeverCreates() throws Exception {
        assertPreconditionFailedOfNothing(client.put("put/never", "", "If-Match", "*"));
        assertPreconditionFailedOfNothing(client.put("put/never", "", "If-Match", "\"1\""));
        assertThat(stored("put/never")).isEqualTo("absent");
    }

    @Test
    void putIfMatchAnswersWhatMatches() throws Exception {
        client.put("put/match", "{\"initial\":7}");

        assertStatus(client.put("put/match", "", "If-Match", "\"1\""), 200);
        assertPreconditionFailed(client.put("put/match", "", "If-Match", "\"2\""), 1);
        assertThat(stored("put/match")).isEqualTo("7 1 - -");
    }

    // GET and HEAD

    @Test
    void getAnswersTheCounterAsItIs() throws Exception {
        client.put("get/a", "{\"initial\":7,\"max\":10}");
        client.increment("get/a", 2);

        Answer answer = get("get/a");

        assertStatus(answer, 200);
        assertThat(answer.header("ETag")).isEqualTo("\"2\"");
        assertThat(answer.header("Content-Type")).isEqualTo("application/json");
        assertThat(answer.json().path("value").longValue()).isEqualTo(9);
        assertThat(answer.json().path("version").longValue()).isEqualTo(2);
        assertThat(answer.json().path("min").isNull()).isTrue();
        assertThat(answer.json().path("max").longValue()).isEqualTo(10);
    }

    @Test
    void getOfNothingIsNotFound() throws Exception {
        assertProblem(get("get/nothing"), 404, "not-found");
        assertThat(stored("get/nothing")).isEqualTo("absent");
    }

    @Test
    void timesAreThoseOfTheDatabase() throws Exception {
        Answer created = client.put("get/times", "");
        Answer before = get("get/times");
        client.increment("get/times", 1);
        Answer after = get("get/times");

        String utc = "select to_char(%s at time zone 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS.US\"Z\"') from counter"
                + " where namespace = 'get' and name = 'times'";
        assertThat(instant(after, "createdAt")).isEqualTo(database.of("get").queryString(utc.formatted("created_at")));
        assertThat(instant(after, "updatedAt")).isEqualTo(database.of("get").queryString(utc.formatted("updated_at")));
        assertThat(before.json()).isEqualTo(created.json());
        assertThat(instant(before, "updatedAt")).isEqualTo(instant(before, "createdAt"));
        assertThat(instant(after, "createdAt")).isEqualTo(instant(before, "createdAt"));
        assertThat(instant(after, "updatedAt")).isAfter(instant(before, "updatedAt"));
    }

    @ParameterizedTest
    @ValueSource(strings = {"\"2\"", "W/\"2\"", "*", "\"1\", \"2\"", "\"1\",W/\"2\",\"x\""})
    void getOfAKnownVersionIsNotModified(String known) {
        client.put("get/known", "");
        patch("get/known", "{\"value\":1}", "If-Match", "\"1\"");

        Answer answer = get("get/known", "If-None-Match", known);

        assertStatus(answer, 304);
        assertThat(answer.header("ETag")).isEqualTo("\"2\"");
        assertThat(answer.body()).isEmpty();
    }

    @ParameterizedTest
    @ValueSource(strings = {"\"1\"", "W/\"3\"", "\"x\"", "\"1\", \"3\"", "\"02\"", "\"*\""})
    void getOfAnotherVersionIsTheCounter(String known) {
        client.put("get/another", "");
        patch("get/another", "{\"value\":1}", "If-Match", "\"1\"");

        Answer answer = get("get/another", "If-None-Match", known);

        assertStatus(answer, 200);
        assertThat(answer.json().path("version").longValue()).isEqualTo(2);
    }

    @Test
    void getOfNothingIsNotFoundWhateverIsKnown() {
        assertProblem(get("get/nothing", "If-None-Match", "*"), 404, "not-found");
        assertProblem(get("get/nothing", "If-None-Match", "\"1\""), 404, "not-found");
    }

    @Test
    void headAnswersAsGetWithoutTheBody() {
        client.put("head/a", "");
        Answer get = get("head/a");

        Answer head = client.send("HEAD", path("head/a"), "");

        assertStatus(head, 200);
        assertThat(head.body()).isEmpty();
        assertThat(head.header("ETag")).isEqualTo("\"1\"");
        assertThat(head.header("Content-Type")).isEqualTo("application/json");
        assertThat(head.header("Content-Length")).isEqualTo(get.header("Content-Length"));
        assertStatus(client.send("HEAD", path("head/a"), "", "If-None-Match", "\"1\""), 304);
    }

    @Test
    void headOfNothingIsNotFound() {
        Answer head = client.send("HEAD", path("head/nothing"), "");

        assertStatus(head, 404);
        assertThat(head.header("Content-Type")).isEqualTo("application/problem+json");
        assertThat(head.body()).isEmpty();
    }

    // POST increments

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            nullValues = "none",
            value = {
                "none | 1",
                "{} | 1",
                "{\"delta\":1} | 1",
                "{\"delta\":0} | 0",
                "{\"delta\":-0} | 0",
                "{\"delta\":-7} | -7",
                "{\"delta\":9223372036854775807} | 9223372036854775807",
                "{\"delta\":-9223372036854775808} | -9223372036854775808"
            })
    void incrementMakesTheCounterFromZero(String body, long delta) throws Exception {
        String counter = "increment/new";
        delete(counter);

        Answer answer = client.send("POST", path(counter) + "/increments", body == null ? "" : body);

        assertStatus(answer, 200);
        assertThat(answer.header("ETag")).isEqualTo("\"1\"");
        assertThat(answer.header("Content-Type")).isEqualTo("application/json");
        assertThat(answer.json().propertyNames()).containsExactlyInAnyOrder("value", "version", "delta");
        assertThat(answer.json().path("value").longValue()).isEqualTo(delta);
        assertThat(answer.json().path("version").longValue()).isEqualTo(1);
        assertThat(answer.json().path("delta").longValue()).isEqualTo(delta);
        assertThat(stored(counter)).isEqualTo(delta + " 1 - -");
    }

    @Test
    void incrementAnswersTheValueAfterIt() throws Exception {
        client.put("increment/a", "{\"initial\":40}");

        Answer first = client.increment("increment/a", 5);
        Answer second = client.increment("increment/a", -3);

        assertThat(first.header("ETag")).isEqualTo("\"2\"");
        assertThat(first.json().path("value").longValue()).isEqualTo(45);
        assertThat(first.json().path("version").longValue()).isEqualTo(2);
        assertThat(second.header("ETag")).isEqualTo("\"3\"");
        assertThat(second.json().path("value").longValue()).isEqualTo(42);
        assertThat(second.json().path("version").longValue()).isEqualTo(3);
        assertThat(stored("increment/a")).isEqualTo("42 3 - -");
    }

    @Test
    void incrementPastABoundIsRefused() throws Exception {
        client.put("increment/bounded", "{\"initial\":5,\"min\":0,\"max\":10}");

        assertBoundExceeded(client.increment("increment/bounded", 6), "max", 10, 5);
        assertBoundExceeded(client.increment("increment/bounded", -6), "min", 0, 5);
        assertThat(stored("increment/bounded")).isEqualTo("5 1 0 10");
    }

    @Test
    void incrementUpToABoundIsApplied() throws Exception {
        client.put("increment/edge", "{\"initial\":5,\"min\":0,\"max\":10}");

        assertStatus(client.increment("increment/edge", 5), 200);
        assertStatus(client.increment("increment/edge", -10), 200);
        assertThat(stored("increment/edge")).isEqualTo("0 3 0 10");
    }

    @Test
    void incrementPast64BitsIsRefused() throws Exception {
        client.put("increment/top", "{\"initial\":9223372036854775807}");
        client.put("increment/bottom", "{\"initial\":-9223372036854775808}");

        assertBoundExceeded(client.increment("increment/top", 1), "max", Long.MAX_VALUE, Long.MAX_VALUE);
        assertBoundExceeded(client.increment("increment/top", Long.MAX_VALUE), "max", Long.MAX_VALUE, Long.MAX_VALUE);
        assertBoundExceeded(client.increment("increment/bottom", -1), "min", Long.MIN_VALUE, Long.MIN_VALUE);
        assertBoundExceeded(
                client.increment("increment/bottom", Long.MIN_VALUE), "min", Long.MIN_VALUE, Long.MIN_VALUE);
        assertThat(stored("increment/top")).isEqualTo("9223372036854775807 1 - -");
        assertThat(stored("increment/bottom")).isEqualTo("-9223372036854775808 1 - -");
    }

    @Test
    void incrementCrossesAllOf64Bits() throws Exception {
        client.put("increment/across", "{\"initial\":9223372036854775807}");

        assertStatus(client.increment("increment/across", Long.MIN_VALUE), 200);
        assertThat(stored("increment/across")).isEqualTo("-1 2 - -");
        assertBoundExceeded(client.increment("increment/across", Long.MIN_VALUE), "min", Long.MIN_VALUE, -1);
        assertThat(stored("increment/across")).isEqualTo("-1 2 - -");
    }

    @ParameterizedTest
    @ValueSource(strings = {"\"1\"", "*", "\"7\", \"1\"", "W/\"7\",\"x\",\"1\"", " \"1\" "})
    void incrementIfMatchIsAppliedAtThatVersion(String match) throws Exception {
        delete("increment/match");
        client.put("increment/match", "");

        assertStatus(client.increment("increment/match", 5, "If-Match", match), 200);
        assertThat(stored("increment/match")).isEqualTo("5 2 - -");
    }

    @ParameterizedTest
    @ValueSource(strings = {"\"2\"", "W/\"1\"", "\"x\"", "\"7\", \"8\"", "\"01\"", "\"*\"", "\"99999999999999999999\""})
    void incrementIfMatchIsRefusedAtAnotherVersion(String match) throws Exception {
        delete("increment/mismatch");
        client.put("increment/mismatch", "");

        assertPreconditionFailed(client.increment("increment/mismatch", 5, "If-Match", match), 1);
        assertThat(stored("increment/mismatch")).isEqualTo("0 1 - -");
    }

    @Test
    void incrementIfMatchNeverMakesTheCounter() throws Exception {
        assertPreconditionFailedOfNothing(client.increment("increment/nothing", 5, "If-Match", "*"));
        assertPreconditionFailedOfNothing(client.increment("increment/nothing", 5, "If-Match", "\"1\""));
        assertThat(stored("increment/nothing")).isEqualTo("absent");
    }

    @Test
    void incrementIfNoneMatchOnlyMakesTheCounter() throws Exception {
        assertStatus(client.increment("increment/first", 5, "If-None-Match", "*"), 200);
        assertPreconditionFailed(client.increment("increment/first", 5, "If-None-Match", "*"), 1);
        assertThat(stored("increment/first")).isEqualTo("5 1 - -");
    }

    /** RFC 9110, section 5.3: several lines are one list. */
    @Test
    void ifMatchOnTwoLinesIsOneList() throws Exception {
        client.put("increment/lines", "");

        List<String> request = List.of(
                "POST /v1/counters/increment/lines/increments HTTP/1.1",
                "Host: tally",
                "Content-Length: 0",
                "If-Match: \"7\"",
                "If-Match: \"1\"",
                "",
                "");
        Response answer = RawHttp.exchange(server.uri(), String.join("\r\n", request));

        assertThat(answer.status()).isEqualTo(200);
        assertThat(stored("increment/lines")).isEqualTo("1 2 - -");
    }

    // PATCH

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "{\"value\":7}             | 7 2 0 10",
                "{\"min\":1}               | 5 2 1 10",
                "{\"max\":5}               | 5 2 0 5",
                "{\"min\":null}            | 5 2 - 10",
                "{\"max\":null}            | 5 2 0 -",
                "{\"min\":null,\"max\":null,\"value\":-9223372036854775808} | -9223372036854775808 2 - -",
                "{\"min\":20,\"max\":30,\"value\":25,\"initial\":20} | 25 2 20 30",
                "{}                        | 5 2 0 10"
            })
    void patchSetsWhatItNames(String body, String expected) throws Exception {
        delete("patch/a");
        client.put("patch/a", "{\"initial\":5,\"min\":0,\"max\":10}");

        Answer answer = patch("patch/a", body, "If-Match", "\"1\"");

        assertStatus(answer, 200);
        assertThat(answer.header("ETag")).isEqualTo("\"2\"");
        assertThat(answer.json()).isEqualTo(get("patch/a").json());
        assertThat(stored("patch/a")).isEqualTo(expected);
    }

    @Test
    void patchTakesAMergePatch() throws Exception {
        client.put("patch/merge", "");

        assertStatus(patch("patch/merge", "{\"value\":7}", "Content-Type", MERGE_PATCH, "If-Match", "*"), 200);
        assertThat(stored("patch/merge")).isEqualTo("7 2 - -");
    }

    @Test
    void patchWithoutIfMatchIsRefused() throws Exception {
        client.put("patch/blind", "");

        assertProblem(patch("patch/blind", "{\"value\":7}"), 428, "precondition-required");
        assertThat(stored("patch/blind")).isEqualTo("0 1 - -");
    }

    @Test
    void patchAtAnotherVersionIsRefused() throws Exception {
        client.put("patch/stale", "");
        client.increment("patch/stale", 1);

        assertPreconditionFailed(patch("patch/stale", "{\"value\":7}", "If-Match", "\"1\""), 2);
        assertPreconditionFailed(patch("patch/stale", "{\"value\":7}", "If-Match", "W/\"2\""), 2);
        assertThat(stored("patch/stale")).isEqualTo("1 2 - -");
        assertStatus(patch("patch/stale", "{\"value\":7}", "If-Match", "\"1\", \"2\""), 200);
        assertThat(stored("patch/stale")).isEqualTo("7 3 - -");
    }

    @Test
    void patchOfNothingIsNotFound() throws Exception {
        assertProblem(patch("patch/nothing", "{\"value\":7}", "If-Match", "*"), 404, "not-found");
        assertThat(stored("patch/nothing")).isEqualTo("absent");
    }

    @Test
    void patchOutOfBoundsIsRefused() throws Exception {
        client.put("patch/bounded", "{\"initial\":5,\"min\":0,\"max\":10}");

        assertBoundExceeded(patch("patch/bounded", "{\"value\":11}", "If-Match", "*"), "max", 10, 5);
        assertBoundExceeded(patch("patch/bounded", "{\"value\":-1}", "If-Match", "*"), "min", 0, 5);
        assertBoundExceeded(patch("patch/bounded", "{\"min\":6}", "If-Match", "*"), "min", 6, 5);
        assertBoundExceeded(patch("patch/bounded", "{\"max\":4}", "If-Match", "*"), "max", 4, 5);
        assertBoundExceeded(patch("patch/bounded", "{\"value\":9,\"max\":8}", "If-Match", "*"), "max", 8, 5);
        assertThat(stored("patch/bounded")).isEqualTo("5 1 0 10");
    }

    @Test
    void patchThatInvertsBoundsIsRefused() throws Exception {
        client.put("patch/inverted", "{\"initial\":5,\"min\":0,\"max\":10}");

        assertProblem(patch("patch/inverted", "{\"min\":11}", "If-Match", "*"), 409, "bounds-inverted");
        assertProblem(patch("patch/inverted", "{\"max\":-1}", "If-Match", "*"), 409, "bounds-inverted");
        assertProblem(patch("patch/inverted", "{\"min\":2,\"max\":1}", "If-Match", "*"), 409, "bounds-inverted");
        assertThat(stored("patch/inverted")).isEqualTo("5 1 0 10");
    }

    // DELETE

    @Test
    void deleteRemoves() throws Exception {
        client.put("delete/a", "");

        Answer answer = delete("delete/a");

        assertStatus(answer, 204);
        assertThat(answer.body()).isEmpty();
        assertThat(stored("delete/a")).isEqualTo("absent");
        assertProblem(get("delete/a"), 404, "not-found");
        assertProblem(delete("delete/a"), 404, "not-found");
    }

    @Test
    void deleteHonoursIfMatch() throws Exception {
        client.put("delete/match", "");

        assertPreconditionFailed(delete("delete/match", "If-Match", "\"2\""), 1);
        assertPreconditionFailed(delete("delete/match", "If-Match", "W/\"1\""), 1);
        assertThat(stored("delete/match")).isEqualTo("0 1 - -");
        assertStatus(delete("delete/match", "If-Match", "\"1\""), 204);
        assertThat(stored("delete/match")).isEqualTo("absent");
        assertProblem(delete("delete/match", "If-Match", "\"1\""), 404, "not-found");
    }

    @Test
    void deletedCounterStartsOver() throws Exception {
        client.put("delete/again", "{\"initial\":5,\"min\":0,\"max\":10}");
        client.increment("delete/again", 1);
        Instant created = instant(get("delete/again"), "createdAt");
        delete("delete/again");

        Answer answer = client.increment("delete/again", 100);

        assertThat(answer.header("ETag")).isEqualTo("\"1\"");
        assertThat(answer.json().path("value").longValue()).isEqualTo(100);
        assertThat(stored("delete/again")).isEqualTo("100 1 - -");
        assertThat(instant(get("delete/again"), "createdAt")).isAfter(created);
    }

    // Names

    static List<List<String>> names() {
        return List.of(
                List.of("a%2Fb", "a/b"),
                List.of("%2F", "/"),
                List.of("a;b=c", "a;b=c"),
                List.of("%3B", ";"),
                List.of("a+b", "a+b"),
                List.of("a%20b", "a b"),
                List.of("%20", " "),
                List.of("%C3%BC", "ü"),
                List.of("u%CC%88", "u\u0308"),
                List.of("%F0%9F%98%80", "😀"),
                List.of("%25", "%"),
                List.of("%252F", "%2F"),
                List.of("a%3Fb%23c", "a?b#c"),
                List.of("a%5Cb", "a\\b"),
                List.of("%22%27", "\"'"),
                List.of("a:b@c,d=e!$&()*", "a:b@c,d=e!$&()*"),
                List.of("increments", "increments"),
                List.of("%EF%BB%BFa", "\uFEFFa"),
                List.of("x".repeat(256), "x".repeat(256)),
                List.of("%C3%BC".repeat(128), "ü".repeat(128)),
                List.of("%F0%9F%98%80".repeat(64), "😀".repeat(64)));
    }

    @ParameterizedTest
    @MethodSource("names")
    void nameIsWhatThePathMeans(List<String> pathAndName) throws Exception {
        String counter = "names/" + pathAndName.getFirst();
        String name = pathAndName.getLast();

        Answer created = client.put(counter, "");
        assertStatus(created, 201);
        assertThat(created.json().path("name").asString()).isEqualTo(name);
        assertStatus(client.increment(counter, 5), 200);
        assertThat(stored("names/" + name)).isEqualTo("5 2 - -");
        Answer read = client.get(created.header("Location"));
        assertStatus(read, 200);
        assertThat(read.json().path("name").asString()).isEqualTo(name);
        assertStatus(patch(counter, "{\"value\":6}", "If-Match", "\"2\""), 200);
        assertStatus(delete(counter), 204);
        assertThat(stored("names/" + name)).isEqualTo("absent");
    }

    /** A segment's parameters belong to the name: without them it would be another counter. */
    @Test
    void namesThatDifferAfterASemicolonAreTwo() throws Exception {
        client.increment("names/p", 1);
        client.increment("names/p;q=1", 2);

        assertThat(stored("names/p")).isEqualTo("1 1 - -");
        assertThat(stored("names/p;q=1")).isEqualTo("2 1 - -");
    }

    @Test
    void namesThatAreEncodedDifferentlyAreOne() throws Exception {
        client.increment("names/abc", 1);
        client.increment("names/%61b%63", 2);

        assertThat(stored("names/abc")).isEqualTo("3 2 - -");
    }

    @ParameterizedTest
    @ValueSource(strings = {"a", "0", "A.b_c-d", "a%2Eb"})
    void namespaceIsWhatThePathMeans(String namespace) throws Exception {
        Answer created = client.put(namespace + "/n", "");

        assertStatus(created, 201);
        assertThat(created.json().path("namespace").asString()).isEqualTo(namespace.replace("%2E", "."));
        assertStatus(client.get(created.header("Location")), 200);
    }

    @Test
    void longestNamespaceIsTaken() {
        assertStatus(client.increment("n".repeat(64) + "/n", 1), 200);
    }

    // Beside one counter

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "/v1/counters/options/a            | DELETE,GET,HEAD,OPTIONS,PATCH,PUT",
                "/v1/counters/options/a/increments | OPTIONS,POST",
                "/v1/audits                        | OPTIONS,POST",
                "/problems/malformed               | GET,HEAD,OPTIONS"
            })
    void optionsAnswersTheMethods(String path, String methods) throws Exception {
        Answer answer = client.send("OPTIONS", path, "");

        assertStatus(answer, 204);
        assertThat(Arrays.stream(answer.header("Allow").split(",", -1)).sorted())
                .containsExactly(methods.split(",", -1));
        assertThat(stored("options/a")).isEqualTo("absent");
    }

    @ParameterizedTest
    @ValueSource(
            strings = {"*/*", "application/*", "application/json", "text/html, */*;q=0.1", "application/json;q=0.1"})
    void jsonIsAnsweredWhereItIsAccepted(String accept) {
        Answer answer = client.increment("accept/a", 1, "Accept", accept);

        assertStatus(answer, 200);
        assertThat(answer.header("Content-Type")).isEqualTo("application/json");
    }

    @ParameterizedTest
    @ValueSource(strings = {"application/json", "application/json; charset=utf-8", "Application/JSON"})
    void jsonIsTakenAsWhatItIsCalled(String type) {
        assertStatus(client.increment("type/a", 1, "Content-Type", type), 200);
    }

    @Test
    void largestBodyIsTaken() throws Exception {
        String body = " ".repeat(64 * 1024 - 11) + "{\"delta\":5}";

        assertStatus(client.send("POST", path("large/a") + "/increments", body), 200);
        assertThat(stored("large/a")).isEqualTo("5 1 - -");
    }

    @Test
    void auditComparesTheBooks() {
        client.increment("audit/a", 1);

        Answer audit = client.post("/v1/audits");

        assertStatus(audit, 200);
        assertThat(audit.header("Content-Type")).isEqualTo("application/json");
        assertThat(audit.json().path("drift").isIntegralNumber()).isTrue();
        assertThat(audit.json().path("drift").asLong(-1)).isZero();
        assertThat(audit.json().path("counterSum").bigIntegerValue())
                .isEqualTo(audit.json().path("writerSum").bigIntegerValue());
    }

    @ParameterizedTest
    @EnumSource(ProblemType.class)
    void problemTypeHasAPage(ProblemType type) {
        Answer page = client.get(type.uri().toString());

        assertStatus(page, 200);
        assertThat(page.header("Content-Type")).startsWith("text/plain");
        assertThat(page.body())
                .contains(
                        type.title(),
                        type.explanation(),
                        Integer.toString(type.status().value()));
    }

    @ParameterizedTest
    @ValueSource(strings = {"text/html,application/xhtml+xml,*/*;q=0.8", "text/html", "application/json", "garbage"})
    void problemPageIsServedWhateverIsAccepted(String accept) {
        assertStatus(client.get("/problems/malformed", "Accept", accept), 200);
    }

    @Test
    void problemPageAnswersHead() {
        Answer head = client.send("HEAD", "/problems/malformed", "");

        assertStatus(head, 200);
        assertThat(head.body()).isEmpty();
    }

    @ParameterizedTest
    @ValueSource(strings = {"/livez", "/readyz"})
    void probesAnswerOnTheMainPort(String probe) {
        Answer answer = client.get(probe);

        assertStatus(answer, 200);
        assertThat(answer.json().path("status").asString()).isEqualTo("UP");
    }

    @ParameterizedTest
    @ValueSource(strings = {"health", "health/liveness", "health/readiness", "info", "prometheus"})
    void actuatorAnswersOnTheManagementPortOnly(String endpoint) {
        assertStatus(management.get("/actuator/" + endpoint), 200);
        assertProblem(client.get("/actuator/" + endpoint), 404, "not-found");
    }

    @ParameterizedTest
    @ValueSource(strings = {"env", "beans", "configprops", "heapdump", "threaddump", "loggers", "shutdown", "mappings"})
    void actuatorTellsNothingElse(String endpoint) {
        assertStatus(management.get("/actuator/" + endpoint), 404);
    }
}
