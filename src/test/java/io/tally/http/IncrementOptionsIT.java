package io.tally.http;

import static org.assertj.core.api.Assertions.assertThat;

import io.tally.testing.Database;
import io.tally.testing.Postgres;
import io.tally.testing.RawHttp;
import io.tally.testing.TallyClient;
import io.tally.testing.TallyClient.Answer;
import io.tally.testing.TallyServer;
import java.io.IOException;
import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.ArrayList;
import java.util.List;
import java.util.UUID;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/** {@code defaults}, {@code atMost} and {@code dryRun}, by each way that an increment takes. */
@Tag("four-shards")
@Timeout(120)
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class IncrementOptionsIT {

    private static final JsonMapper JSON = new JsonMapper();
    private static final String KEY = "Idempotency-Key";
    private static final String LIMITED = "\"defaults\":{\"initial\":2,\"min\":0,\"max\":5}";

    private Database database;
    private TallyServer server;
    private TallyClient client;

    /** The ways of an increment into the service. */
    enum Way {
        DIRECT,
        ROUTED,
        ARRAY,
        LINES,
        TRANSACTION
    }

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

    private static String name() {
        return UUID.randomUUID().toString();
    }

    /** Sends an increment. Returns its result or its problem, with {@code replayed} if it is a replay. */
    private JsonNode increment(Way way, String name, String members, String... headers) {
        String item = "{\"namespace\":\"options\",\"name\":\"" + name + "\"," + members + "}";
        return switch (way) {
            case DIRECT -> told(single(name, members, headers));
            case ROUTED -> told(single(name, members, with(headers, "Accept", "application/json, */*")));
            case ARRAY ->
                inner(client.send("POST", "/v1/increments", "[" + item + "]", headers)
                        .json()
                        .get(0));
            case LINES ->
                inner(JSON.readTree(client.send(
                                "POST",
                                "/v1/increments",
                                item + "\n",
                                with(headers, "Content-Type", "application/x-ndjson"))
                        .body()));
            case TRANSACTION -> {
                Answer answer = client.send("POST", "/v1/transactions", "{\"increments\":[" + item + "]}", headers);
                yield answer.status() == 200 ? answer.json().path("results").get(0) : told(answer);
            }
        };
    }

    private Answer single(String name, String members, String... headers) {
        return client.send("POST", "/v1/counters/options/" + name + "/increments", "{" + members + "}", headers);
    }

    private static String[] with(String[] headers, String name, String value) {
        return Stream.concat(Stream.of(headers), Stream.of(name, value)).toArray(String[]::new);
    }

    private static JsonNode told(Answer answer) {
        JsonNode json = answer.json();
        return answer.header("Idempotency-Replayed").isEmpty()
                ? json
                : json.asObject().put("replayed", true);
    }

    private static JsonNode inner(JsonNode item) {
        return item.has("problem") ? item.path("problem") : item;
    }

    private static String type(JsonNode problem) {
        String type = problem.path("type").asString("");
        return type.substring(type.lastIndexOf('/') + 1);
    }

    private String counter(String name) {
        JsonNode counter = client.get("/v1/counters/options/" + name).json();
        return Stream.of("value", "version", "initial", "min", "max")
                .map(member -> counter.path(member).toString())
                .toList()
                .toString();
    }

    private static String values(JsonNode result) {
        return result.path("value").asString("none") + "@"
                + result.path("version").asString("none");
    }

    // ---- defaults

    @ParameterizedTest
    @EnumSource
    void defaultsAreOfTheIncrementThatCreatesTheCounter(Way way) {
        String name = name();
        assertThat(values(increment(way, name, "\"delta\":1," + LIMITED))).isEqualTo("3@1");
        assertThat(counter(name)).isEqualTo("[3, 1, 2, 0, 5]");

        assertThat(values(increment(way, name, "\"delta\":2,\"defaults\":{\"initial\":100,\"max\":200}")))
                .isEqualTo("5@2");
        assertThat(type(increment(way, name, "\"delta\":1,\"defaults\":{\"max\":200}")))
                .isEqualTo("bound-exceeded");
        assertThat(counter(name)).isEqualTo("[5, 2, 2, 0, 5]");
    }

    @ParameterizedTest
    @EnumSource
    void refusedIncrementCreatesNothing(Way way) {
        String name = name();
        JsonNode refused = increment(way, name, "\"delta\":4," + LIMITED);
        assertThat(type(refused)).isEqualTo("bound-exceeded");
        assertThat(refused.path("limit").asInt()).isEqualTo(5);
        assertThat(refused.path("value").asInt()).isEqualTo(2);
        assertThat(client.get("/v1/counters/options/" + name).status()).isEqualTo(404);
    }

    @ParameterizedTest
    @EnumSource
    void boundsThatExcludeTheInitialValueAreMalformed(Way way) {
        String name = name();
        for (String defaults : List.of(
                "{\"initial\":6,\"max\":5}",
                "{\"min\":1}",
                "{\"min\":3,\"max\":2}",
                "{\"initial\":1.5}",
                "{\"initial\":null}",
                "{\"max\":\"x\"}",
                "{\"name\":1}",
                "[]",
                "[{\"max\":[1]}]",
                "null",
                "7")) {
            JsonNode refused = increment(way, name, "\"defaults\":" + defaults + ",\"delta\":1");
            assertThat(type(refused)).as(defaults + refused).isEqualTo("malformed");
        }
        assertThat(client.get("/v1/counters/options/" + name).status()).isEqualTo(404);
    }

    @Test
    void malformedDefaultsLeaveTheOtherItemsAlone() {
        String name = name();
        String item = "{\"namespace\":\"options\",\"name\":\"" + name + "\",\"delta\":1";
        JsonNode results = client.send(
                        "POST",
                        "/v1/increments",
                        "[%s},%s,\"defaults\":{\"max\":{\"a\":[]}}},%s,\"atMost\":1},%s,\"dryRun\":true},%s}]"
                                .formatted(item, item, item, item, item))
                .json();
        assertThat(values(results.get(0))).isEqualTo("1@1");
        for (int i = 1; i <= 3; i++) {
            assertThat(type(results.get(i).path("problem"))).isEqualTo("malformed");
        }
        assertThat(values(results.get(4))).isEqualTo("2@2");
    }

    /** Later increments of one transaction find the counter that an earlier one created. */
    @Test
    void firstItemOfATransactionCreates() {
        String name = name();
        String item = "{\"namespace\":\"options\",\"name\":\"" + name + "\",\"delta\":1,\"defaults\":{\"max\":%d}}";
        String body = "{\"increments\":[" + item.formatted(2) + "," + item.formatted(9) + "%s]}";
        Answer refused = client.send("POST", "/v1/transactions", body.formatted("," + item.formatted(9)));
        assertThat(refused.problem()).isEqualTo("bound-exceeded");
        assertThat(refused.json().path("item").asInt()).isEqualTo(2);
        assertThat(client.get("/v1/counters/options/" + name).status()).isEqualTo(404);

        assertThat(client.send("POST", "/v1/transactions", body.formatted("")).status())
                .isEqualTo(200);
        assertThat(counter(name)).isEqualTo("[2, 2, 0, null, 2]");
    }

    @ParameterizedTest
    @EnumSource
    void keyKnowsDefaultsAndAtMost(Way way) {
        String name = name();
        String[] key = {KEY, name};
        assertThat(values(increment(way, name, "\"delta\":1," + LIMITED, key))).isEqualTo("3@1");
        assertThat(values(increment(way, name, "\"delta\":1," + LIMITED.replace("5", "\"5\""), key)))
                .isEqualTo("3@1");
        for (String other : List.of("\"delta\":1", "\"delta\":1,\"defaults\":{\"initial\":2,\"max\":5}")) {
            assertThat(type(increment(way, name, other, key))).isEqualTo("idempotency-key-reused");
        }
        assertThat(counter(name)).isEqualTo("[3, 1, 2, 0, 5]");

        // Defaults that change nothing are no other request.
        String plain = name();
        assertThat(values(increment(way, plain, "\"delta\":1", KEY, plain))).isEqualTo("1@1");
        assertThat(values(increment(way, plain, "\"delta\":1,\"defaults\":{\"min\":null}", KEY, plain)))
                .isEqualTo("1@1");
        assertThat(client.value("options/" + plain)).isEqualTo(1);
    }

    @Test
    void ifMatchComesBeforeDefaults() {
        String name = name();
        assertThat(single(name, LIMITED, "If-Match", "*").status()).isEqualTo(412);
        assertThat(single(name, LIMITED, "If-None-Match", "*").status()).isEqualTo(200);
        assertThat(single(name, LIMITED, "If-None-Match", "*").status()).isEqualTo(412);
    }

    @Test
    void defaultsOfACounterOfMembersAreIgnored() {
        String name = name();
        client.send("PUT", "/v1/counters/options/" + name + "/members/ann", "");
        assertThat(single(name, LIMITED).problem()).isEqualTo("wrong-kind");
        assertThat(single(name, "\"atMost\":true").problem()).isEqualTo("wrong-kind");
        assertThat(single(name, "\"dryRun\":true").problem()).isEqualTo("wrong-kind");
        assertThat(counter(name)).isEqualTo("[1, 1, 0, null, null]");
    }

    // ---- atMost

    @ParameterizedTest
    @EnumSource(mode = EnumSource.Mode.EXCLUDE, names = "TRANSACTION")
    void atMostAddsWhatFits(Way way) {
        String name = name();
        client.put("options/" + name, "{\"initial\":2,\"min\":0,\"max\":5}");
        assertThat(atMost(way, name, 2)).isEqualTo("4@2 by 2");
        assertThat(atMost(way, name, 2)).isEqualTo("5@3 by 1");
        assertThat(atMost(way, name, 2)).isEqualTo("5@3 by 0");
        assertThat(atMost(way, name, Long.MAX_VALUE)).isEqualTo("5@3 by 0");
        assertThat(atMost(way, name, 0)).isEqualTo("5@3 by 0");
        assertThat(atMost(way, name, Long.MIN_VALUE)).isEqualTo("0@4 by -5");
        assertThat(atMost(way, name, -1)).isEqualTo("0@4 by 0");
        assertThat(counter(name)).isEqualTo("[0, 4, 2, 0, 5]");
    }

    private String atMost(Way way, String name, long delta) {
        JsonNode result = increment(way, name, "\"delta\":" + delta + ",\"atMost\":true");
        return values(result) + " by " + result.path("delta").asString("none");
    }

    @ParameterizedTest
    @EnumSource(mode = EnumSource.Mode.EXCLUDE, names = "TRANSACTION")
    void atMostEndsWhere64BitsEnd(Way way) {
        String name = name();
        assertThat(atMost(way, name, Long.MAX_VALUE)).isEqualTo(Long.MAX_VALUE + "@1 by " + Long.MAX_VALUE);
        assertThat(atMost(way, name, 1)).isEqualTo(Long.MAX_VALUE + "@1 by 0");
        assertThat(atMost(way, name, Long.MIN_VALUE)).isEqualTo("-1@2 by " + Long.MIN_VALUE);
        assertThat(atMost(way, name, Long.MIN_VALUE)).isEqualTo(Long.MIN_VALUE + "@3 by -" + Long.MAX_VALUE);
    }

    @ParameterizedTest
    @EnumSource(mode = EnumSource.Mode.EXCLUDE, names = "TRANSACTION")
    void atMostCreatesACounterThatIsFull(Way way) {
        String name = name();
        JsonNode result = increment(way, name, "\"delta\":1,\"atMost\":true,\"defaults\":{\"initial\":5,\"max\":5}");
        assertThat(values(result)).isEqualTo("5@1");
        assertThat(result.path("delta").asInt()).isZero();
        assertThat(counter(name)).isEqualTo("[5, 1, 5, null, 5]");
    }

    @ParameterizedTest
    @EnumSource(mode = EnumSource.Mode.EXCLUDE, names = "TRANSACTION")
    void replayHasTheDeltaThatWasApplied(Way way) {
        for (int delta : List.of(2, 4, 5)) {
            String name = name();
            String[] key = {KEY, name};
            client.put("options/" + name, "{\"initial\":3,\"max\":5}");
            String first = increment(way, name, "\"delta\":" + delta + ",\"atMost\":true", key)
                    .toString();
            client.send("PATCH", "/v1/counters/options/" + name, "{\"max\":null}", "If-Match", "*");
            JsonNode again = increment(way, name, "\"delta\":" + delta + ",\"atMost\":true", key);
            assertThat(again.path("replayed").asBoolean()).isTrue();
            assertThat(again.toString()).isEqualTo(first.replaceFirst("}$", ",\"replayed\":true}"));
            assertThat(first).contains("\"delta\":2", "\"value\":5");
            assertThat(type(increment(way, name, "\"delta\":" + delta, key))).isEqualTo("idempotency-key-reused");
            assertThat(client.value("options/" + name)).isEqualTo(5);
        }
        // Nothing fits.
        String full = name();
        client.put("options/" + full, "{\"initial\":5,\"max\":5}");
        increment(way, full, "\"delta\":1,\"atMost\":true", KEY, full);
        client.send("PATCH", "/v1/counters/options/" + full, "{\"max\":null}", "If-Match", "*");
        JsonNode again = increment(way, full, "\"delta\":1,\"atMost\":true", KEY, full);
        assertThat(again.path("delta").asInt()).isZero();
        assertThat(again.path("replayed").asBoolean()).isTrue();
        assertThat(counter(full)).isEqualTo("[5, 2, 5, null, null]");
    }

    @Test
    void transactionHasNoAtMost() {
        JsonNode refused = increment(Way.TRANSACTION, name(), "\"delta\":1,\"atMost\":true");
        assertThat(type(refused)).isEqualTo("malformed");
        assertThat(refused.path("detail").asString())
                .startsWith("increments[0]: ")
                .contains("'atMost'");
    }

    @Test
    void plainResultsHaveNoDelta() {
        assertThat(increment(Way.ARRAY, name(), "\"delta\":1,\"atMost\":false").has("delta"))
                .isFalse();
        assertThat(increment(Way.LINES, name(), "\"delta\":1").has("delta")).isFalse();
    }

    @ParameterizedTest
    @ValueSource(
            strings = {"\"atMost\":\"true\"", "\"atMost\":1", "\"atMost\":null", "\"dryRun\":\"\"", "\"dryRun\":0"})
    void switchesAreBooleans(String member) {
        String name = name();
        for (Way way : List.of(Way.DIRECT, Way.ROUTED)) {
            JsonNode refused = increment(way, name, member);
            assertThat(type(refused)).isEqualTo("malformed");
            assertThat(refused.path("detail").asString()).endsWith("must be true or false.");
        }
        String body = "{\"increments\":[{\"namespace\":\"options\",\"name\":\"" + name + "\",\"delta\":1}],"
                + member.replace("atMost", "dryRun") + "}";
        assertThat(client.send("POST", "/v1/transactions", body)
                        .json()
                        .path("detail")
                        .asString())
                .isEqualTo("'dryRun' must be true or false.");
        assertThat(client.get("/v1/counters/options/" + name).status()).isEqualTo(404);
    }

    // ---- dryRun

    /** Every table, row by row, but for what the instance itself keeps alive. */
    private List<String> tables() throws SQLException {
        List<String> rows = new ArrayList<>();
        try (Connection connection = database.of("options").connect();
                Statement statement = connection.createStatement()) {
            for (String sql : List.of(
                    "select c::text from counter c order by 1",
                    "select k::text from idempotency_key k order by 1",
                    "select concat_ws(' ', id, sequence, operations, delta) from writer order by 1")) {
                try (ResultSet found = statement.executeQuery(sql)) {
                    while (found.next()) {
                        rows.add(found.getString(1));
                    }
                }
            }
        }
        return rows;
    }

    /** A counter and an increment of it. */
    record Trial(String before, String members, List<String> fields) {

        Trial(String before, String members, String... fields) {
            this(before, members, List.of(fields));
        }

        String[] headers() {
            return fields.toArray(String[]::new);
        }
    }

    static Stream<Trial> trials() {
        return Stream.of(
                new Trial("", "\"delta\":1"),
                new Trial("", "\"delta\":-7"),
                new Trial("", "\"delta\":1," + LIMITED),
                new Trial("", "\"delta\":4," + LIMITED),
                new Trial("", "\"delta\":4,\"atMost\":true," + LIMITED),
                new Trial("", "\"delta\":1", "If-Match", "*"),
                new Trial("{\"initial\":3,\"max\":5}", "\"delta\":2"),
                new Trial("{\"initial\":3,\"max\":5}", "\"delta\":3"),
                new Trial("{\"initial\":3,\"max\":5}", "\"delta\":3,\"atMost\":true"),
                new Trial("{\"initial\":5,\"max\":5}", "\"delta\":3,\"atMost\":true"),
                new Trial("{\"initial\":3,\"min\":3}", "\"delta\":-1"),
                new Trial("{\"initial\":3}", "\"delta\":1", "If-Match", "\"1\""),
                new Trial("{\"initial\":3}", "\"delta\":1", "If-Match", "\"2\""),
                new Trial("{\"initial\":" + Long.MAX_VALUE + "}", "\"delta\":1"),
                new Trial("{\"initial\":" + Long.MIN_VALUE + "}", "\"delta\":" + Long.MIN_VALUE));
    }

    @ParameterizedTest
    @MethodSource("trials")
    void dryRunSaysWhatWouldHappenAndChangesNothing(Trial trial) throws SQLException {
        String name = name();
        if (!trial.before().isEmpty()) {
            client.put("options/" + name, trial.before());
        }
        List<String> before = tables();
        Answer direct = single(name, trial.members() + ",\"dryRun\":true", trial.headers());
        Answer routed = single(
                name, trial.members() + ",\"dryRun\":true", with(trial.headers(), "Accept", "application/json, */*"));
        assertThat(tables()).isEqualTo(before);

        Answer real = single(name, trial.members(), trial.headers());
        for (Answer expected : List.of(direct, routed)) {
            assertThat(expected.status()).isEqualTo(real.status());
            assertThat(expected.header("ETag")).isEmpty();
            assertThat(withoutId(expected))
                    .isEqualTo(real.status() == 200 ? real.json().asObject().put("dryRun", true) : withoutId(real));
        }
        if (real.status() == 200 && !trial.members().contains("atMost")) {
            assertThat(tables()).isNotEqualTo(before);
        }
    }

    private static JsonNode withoutId(Answer answer) {
        return answer.json().asObject().remove(List.of("requestId"));
    }

    @ParameterizedTest
    @MethodSource("trials")
    void dryRunOfATransactionSaysWhatWouldHappenAndChangesNothing(Trial trial) throws SQLException {
        String name = name();
        if (!trial.before().isEmpty()) {
            client.put("options/" + name, trial.before());
        }
        String members = trial.members().replace(",\"atMost\":true", "");
        String items = Stream.of("first" + name, name, name)
                .map(each -> "{\"namespace\":\"options\",\"name\":\"" + each + "\"," + members + "}")
                .toList()
                .toString();
        List<String> before = tables();
        Answer dry = client.send("POST", "/v1/transactions", "{\"increments\":" + items + ",\"dryRun\":true}");
        assertThat(client.send("POST", "/v1/transactions", "{\"dryRun\":true,\"increments\":" + items + "}")
                        .status())
                .isEqualTo(dry.status());
        assertThat(tables()).isEqualTo(before);

        Answer real = client.send("POST", "/v1/transactions", "{\"increments\":" + items + ",\"dryRun\":false}");
        assertThat(dry.status()).isEqualTo(real.status());
        assertThat(withoutId(dry))
                .isEqualTo(real.status() == 200 ? real.json().asObject().put("dryRun", true) : withoutId(real));
    }

    @Test
    void dryRunHasNoKey() {
        String name = name();
        for (Way way : List.of(Way.DIRECT, Way.ROUTED)) {
            assertThat(type(increment(way, name, "\"dryRun\":true", KEY, "k"))).isEqualTo("malformed");
        }
        String body = "{\"increments\":[{\"namespace\":\"options\",\"name\":\"n\",\"delta\":1}],\"dryRun\":true}";
        Answer refused = client.send("POST", "/v1/transactions", body, KEY, "k");
        assertThat(refused.status()).isEqualTo(400);
        assertThat(refused.json().path("detail").asString()).contains("Idempotency-Key");
    }

    /** Numbers as strings, too. */
    @Test
    void dryRunHasTheFormThatTheClientPrefers() {
        Answer answer = single(name(), "\"delta\":7,\"dryRun\":true", "Prefer", "int64=string");
        assertThat(answer.body()).isEqualTo("{\"value\":\"7\",\"version\":\"1\",\"delta\":\"7\",\"dryRun\":true}");
    }

    @Test
    void http10TakesAllOptions() throws IOException {
        String name = name();
        assertThat(http10(name, LIMITED)).endsWith("{\"value\":3,\"version\":1,\"delta\":1}");
        assertThat(http10(name, "\"delta\":7,\"atMost\":true")).endsWith("{\"value\":5,\"version\":2,\"delta\":2}");
        assertThat(http10(name, "\"delta\":-1,\"dryRun\":true"))
                .endsWith("{\"value\":4,\"version\":3,\"delta\":-1,\"dryRun\":true}");
        assertThat(counter(name)).isEqualTo("[5, 2, 2, 0, 5]");
    }

    private String http10(String name, String members) throws IOException {
        String body = "{" + members + "}";
        return RawHttp.exchange(
                        server.uri(),
                        "POST /v1/counters/options/" + name + "/increments HTTP/1.0\r\n"
                                + "Content-Type: application/json\r\nContent-Length: " + body.length() + "\r\n\r\n"
                                + body)
                .body();
    }

    // ---- initial

    @Test
    void initialIsPatchedWithinTheBounds() {
        String name = name();
        String path = "/v1/counters/options/" + name;
        client.put("options/" + name, "{\"initial\":5,\"min\":0,\"max\":10}");
        assertThat(patch(path, "{\"initial\":7}").status()).isEqualTo(200);
        assertThat(counter(name)).isEqualTo("[5, 2, 7, 0, 10]");

        assertThat(patch(path, "{\"max\":6}").problem()).isEqualTo("initial-excluded");
        assertThat(patch(path, "{\"initial\":11}").problem()).isEqualTo("initial-excluded");
        for (String malformed : List.of(
                "{\"initial\":7,\"max\":6}", "{\"initial\":1,\"min\":2}", "{\"initial\":null}", "{\"initial\":1.5}")) {
            assertThat(patch(path, malformed).status()).as(malformed).isEqualTo(400);
        }
        assertThat(counter(name)).isEqualTo("[5, 2, 7, 0, 10]");

        assertThat(patch(path, "{\"initial\":6,\"max\":6}").status()).isEqualTo(200);
        assertThat(counter(name)).isEqualTo("[5, 3, 6, 0, 6]");
        assertThat(client.get("/v1/counters/options?limit=1000").body()).contains("\"initial\":6,");
    }

    private Answer patch(String path, String body) {
        return client.send("PATCH", path, body, "If-Match", "*");
    }

    /** An instance of an earlier release wrote the row. */
    @Test
    void initialThatIsNotStoredIsTheNearestWithinTheBounds() throws SQLException {
        String name = name();
        client.put("options/" + name, "{\"initial\":9,\"min\":4}");
        database.of("options").execute("update counter set initial = null where name = ?", name);
        assertThat(counter(name)).isEqualTo("[9, 1, 4, 4, null]");
        assertThat(patch("/v1/counters/options/" + name, "{\"max\":20}").status())
                .isEqualTo(200);
        assertThat(database.of("options").queryLong("select initial from counter where name = ?", name))
                .isEqualTo(4);
    }

    /** Their rows stay as short as before. */
    @Test
    void plainCountersStoreNoInitialValue() throws SQLException {
        String name = name();
        client.increment("options/" + name, 1);
        assertThat(database.of("options")
                        .queryLong("select count(*) from counter where name = ? and initial is null", name))
                .isEqualTo(1);
    }
}
