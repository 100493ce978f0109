package io.tally.openapi;

import static org.assertj.core.api.Assertions.assertThat;

import io.tally.testing.Clients;
import io.tally.testing.EventStream;
import io.tally.testing.Postgres;
import io.tally.testing.RawHttp;
import io.tally.testing.TallyClient;
import io.tally.testing.TallyClient.Answer;
import io.tally.testing.TallyServer;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.Set;
import java.util.TreeSet;
import java.util.UUID;
import java.util.function.BooleanSupplier;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/** {@code Prefer: int64=string} turns each 64-bit number of each response into a string, and changes nothing else. */
@Timeout(120)
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class Int64FormIT {

    private static final JsonMapper JSON = new JsonMapper();
    private static final String PREFER = "Prefer";
    private static final String STRINGS = "int64=string";
    private static final String APPLIED = "Preference-Applied";
    private static final String EVENTS = "text/event-stream";
    private static final String LINES = "application/x-ndjson";

    /** The first integer that a double does not represent. */
    private static final String BIG = "9007199254740993";

    /** Members that differ from one response to the next. */
    private static final Set<String> VOLATILE = Set.of(
            "/at", "/seconds", "/shards/at", "/shards/seconds", "/asOf", "/items/asOf", "/lagSeconds", "/requestId");

    private final Int64Places places = new Int64Places();
    private TallyServer server;
    private TallyClient client;
    private String job = "";
    private String run = "";

    /**
     * A request that can be repeated: a read, or a write with an idempotency key or without a further effect.
     *
     * @param operation its name in the OpenAPI file
     * @param path {@code JOB} and {@code RUN} stand for ids
     * @param keyed whether it has an idempotency key
     */
    record Story(
            String operation,
            int status,
            String method,
            String path,
            String body,
            boolean keyed,
            List<String> headers) {

        @Override
        public String toString() {
            return operation + " " + status + " " + path + " " + headers;
        }
    }

    static Stream<Story> stories() {
        String limited = "/v1/counters/shop/limited";
        return Stream.of(
                read("getCounter", "/v1/counters/shop/big"),
                repeatable("getOrCreateCounter", 200, "PUT", "/v1/counters/shop/big", ""),
                keyed("updateCounter", 200, "PATCH", "/v1/counters/shop/patched", "{\"min\":0}", "If-Match", "*"),
                repeatable("updateCounter", 409, "PATCH", limited, "{\"value\":11}", "If-Match", "*"),
                repeatable("updateCounter", 412, "PATCH", limited, "{\"value\":5}", "If-Match", "\"9\""),
                repeatable("deleteCounter", 412, "DELETE", limited, "", "If-Match", "\"9\""),
                keyed("incrementCounter", 200, "POST", "/v1/counters/shop/big/increments", "{\"delta\":2}"),
                keyed("incrementCounter", 200, "POST", "/v1/counters/shop/big/increments", ""),
                repeatable(
                        "incrementCounter",
                        200,
                        "POST",
                        "/v1/counters/shop/big/increments",
                        "{\"delta\":2,\"defaults\":{\"initial\":1},\"atMost\":true,\"dryRun\":true}"),
                repeatable("incrementCounter", 409, "POST", limited + "/increments", ""),
                repeatable("incrementCounter", 412, "POST", limited + "/increments", "", "If-Match", "\"9\""),
                read("listNamespaces", "/v1/namespaces"),
                read("listCounters", "/v1/counters/shop"),
                read("listCounters", "/v1/counters/shop?prefix=b"),
                read("listCounters", "/v1/counters/shop?sort=-value"),
                keyed("incrementCounters", 200, "POST", "/v1/increments", increments("[", ",", "]")),
                keyed(
                        "incrementCounters",
                        200,
                        "POST",
                        "/v1/increments",
                        increments("", "\n", ""),
                        "Content-Type",
                        LINES),
                keyed(
                        "incrementCounters",
                        200,
                        "POST",
                        "/v1/increments",
                        increments("", "\n", ""),
                        "Content-Type",
                        LINES,
                        PREFER,
                        "return=minimal"),
                keyed(
                        "applyTransaction",
                        200,
                        "POST",
                        "/v1/transactions",
                        "{\"increments\":[{\"namespace\":\"shop\",\"name\":\"big\",\"delta\":1}]}"),
                repeatable(
                        "applyTransaction",
                        200,
                        "POST",
                        "/v1/transactions",
                        "{\"increments\":[{\"namespace\":\"shop\",\"name\":\"big\",\"delta\":1}],\"dryRun\":true}"),
                repeatable(
                        "applyTransaction",
                        409,
                        "POST",
                        "/v1/transactions",
                        "{\"increments\":[{\"namespace\":\"shop\",\"name\":\"limited\",\"delta\":1}]}"),
                repeatable("addMember", 200, "PUT", "/v1/counters/shop/likes/members/ann", ""),
                repeatable("addMember", 409, "PUT", limited + "/members/ann", ""),
                read("listPeriods", "/v1/counters/quota/used/periods"),
                read("getMember", "/v1/counters/shop/likes/members/ann"),
                repeatable("removeMember", 200, "DELETE", "/v1/counters/shop/likes/members/bob", ""),
                repeatable("getOrCreateNames", 200, "POST", "/v1/names/shop", "[\"blue\",\"\"]"),
                repeatable("getOrCreateNames", 200, "POST", "/v1/names/shop", "\"blue\"\n1", "Content-Type", LINES),
                read("getName", "/v1/names/shop/blue"),
                read("findName", "/v1/names/shop?id=1"),
                keyed("startSnapshot", 202, "POST", "/v1/snapshots/kept", ""),
                read("getJob", "/v1/jobs/JOB"),
                read("getJob", "/v1/jobs/JOB", "Accept", EVENTS),
                repeatable("runAudit", 200, "POST", "/v1/audits", ""),
                keyed(
                        "startLabRun",
                        202,
                        "POST",
                        "/v1/lab/runs",
                        "{\"strategy\":\"atomic\",\"increments\":10,\"workers\":1}"),
                read("listLabRuns", "/v1/lab/runs"),
                read("getLabRun", "/v1/lab/runs/RUN"),
                read("getLabRun", "/v1/lab/runs/RUN", "Accept", EVENTS),
                repeatable("stopLabRun", 200, "DELETE", "/v1/lab/runs/RUN", ""));
    }

    private static Story read(String operation, String path, String... headers) {
        return new Story(operation, 200, "GET", path, "", false, List.of(headers));
    }

    private static Story repeatable(
            String operation, int status, String method, String path, String body, String... headers) {
        return new Story(operation, status, method, path, body, false, List.of(headers));
    }

    private static Story keyed(
            String operation, int status, String method, String path, String body, String... headers) {
        return new Story(operation, status, method, path, body, true, List.of(headers));
    }

    /** A good one, a malformed one, one that a bound refuses and one of which nothing fits. */
    private static String increments(String before, String between, String after) {
        return Stream.of(
                        "\"big\",\"delta\":1",
                        "\"big\",\"delta\":1.5",
                        "\"limited\",\"delta\":1",
                        "\"limited\",\"delta\":1,\"atMost\":true")
                .map(item -> "{\"namespace\":\"shop\",\"name\":" + item + "}")
                .collect(Collectors.joining(between, before, after));
    }

    @BeforeAll
    void start() throws Exception {
        server = TallyServer.start(Postgres.shared().createDatabase(), "tally.lab.enabled", "true");
        client = new TallyClient(server.uri());
        client.put(
                "shop/big", "{\"initial\":" + BIG + ",\"min\":" + Long.MIN_VALUE + ",\"max\":" + Long.MAX_VALUE + "}");
        client.put("shop/limited", "{\"initial\":10,\"min\":0,\"max\":10}");
        client.put("shop/patched", "{\"initial\":" + BIG + "}");
        client.put("kept/one", "");
        client.put("quota/used", "{\"initial\":" + BIG + ",\"period\":{\"every\":\"PT1S\"}}");
        client.send("PUT", "/v1/counters/shop/likes/members/ann", "");
        client.send("POST", "/v1/names/shop", "[\"blue\"]");
        job = finished("/v1/jobs/", client.post("/v1/snapshots/shop"));
        run = finished(
                "/v1/lab/runs/",
                client.send("POST", "/v1/lab/runs", "{\"strategy\":\"atomic\",\"increments\":10,\"workers\":1}"));
        await(
                "an ended period",
                () -> !client.get("/v1/counters/quota/used/periods")
                        .json()
                        .path("items")
                        .isEmpty());
        await("the order", () -> client.get("/v1/counters/shop?sort=-value").status() == 200);
    }

    @AfterAll
    void stop() {
        server.close();
    }

    private String finished(String path, Answer started) throws InterruptedException {
        assertThat(started.status()).as(started.body()).isEqualTo(202);
        String id = started.json().path("id").asString();
        await(
                "the end of " + path + id,
                () -> !client.get(path + id).json().path("state").asString().equals("running"));
        return id;
    }

    private static void await(String what, BooleanSupplier holds) throws InterruptedException {
        Clients.await(what, Clients.PATIENCE, holds);
    }

    // ---- every operation

    @Test
    void everyOperationWith64BitNumbersIsTried() {
        Set<String> tried = stories().map(Story::operation).collect(Collectors.toCollection(TreeSet::new));
        tried.addAll(Set.of("watchCounter", "watchCounters"));
        assertThat(tried).isEqualTo(places.operations()).isEqualTo(places.operationsWithPrefer());
    }

    @ParameterizedTest
    @MethodSource("stories")
    void numbersAreStringsAndNothingElseDiffers(Story story) throws InterruptedException {
        String key = UUID.randomUUID().toString();
        // The first response of a key is the odd one: the others are replays.
        if (story.keyed()) {
            send(story, key);
        }
        if (story.operation().equals("startLabRun")) {
            await("the end of the run", () -> !client.get("/v1/lab/runs").body().contains("\"running\""));
        }
        Answer plain = send(story, key);
        Answer strings = send(story, key, PREFER, STRINGS);

        assertThat(plain.status()).as(plain.body()).isEqualTo(story.status());
        assertThat(strings.status()).isEqualTo(story.status());
        assertThat(plain.header(APPLIED)).doesNotContain("int64");
        assertThat(strings.header(APPLIED))
                .isEqualTo(story.headers().contains(PREFER) ? "return=minimal, int64=string" : STRINGS);
        assertThat(strings.header("ETag")).isEqualTo(plain.header("ETag"));
        assertThat(strings.header("Idempotency-Replayed")).isEqualTo(plain.header("Idempotency-Replayed"));
        assertForms(story.operation(), story.status(), type(plain), bodies(plain), bodies(strings));
    }

    private Answer send(Story story, String key, String... more) {
        List<String> headers = new ArrayList<>(story.headers());
        if (story.keyed()) {
            headers.addAll(List.of("Idempotency-Key", key));
        }
        headers.addAll(List.of(more));
        int minimal = headers.indexOf("return=minimal");
        if (minimal >= 0 && more.length > 0) {
            // One field with both: this client sends a name once.
            headers.set(headers.size() - 1, "return=minimal, " + STRINGS);
        }
        return client.send(
                story.method(),
                story.path().replace("JOB", job).replace("RUN", run),
                story.body(),
                headers.toArray(String[]::new));
    }

    private static String type(Answer answer) {
        return answer.header("Content-Type").split(";", 2)[0];
    }

    /** The body, or its items. */
    private static List<JsonNode> bodies(Answer answer) {
        String type = type(answer);
        if (type.equals(EVENTS)) {
            return answer.body()
                    .lines()
                    .filter(line -> line.startsWith("data:"))
                    .map(line -> event(JSON.readTree(line.substring(5))))
                    .toList();
        }
        return type.equals(LINES)
                ? answer.body().lines().map(line -> JSON.readTree(line)).toList()
                : List.of(answer.json());
    }

    /** An event as the OpenAPI file shows it. */
    private static JsonNode event(JsonNode data) {
        return Objects.requireNonNull(JSON.createObjectNode().set("data", data));
    }

    private void assertForms(
            String operation, int status, String mediaType, List<JsonNode> plain, List<JsonNode> strings) {
        assertThat(strings).hasSameSizeAs(plain).isNotEmpty();
        Set<String> int64 = new TreeSet<>();
        for (int i = 0; i < plain.size(); i++) {
            Set<String> expected = places.in(plain.get(i), operation, status, mediaType);
            int64.addAll(expected);
            assertForms(expected, "", plain.get(i), strings.get(i));
        }
        if (!operation.equals("addMember") || status < 300) {
            assertThat(int64).as("64-bit numbers in the response").isNotEmpty();
        }
    }

    private static void assertForms(Set<String> int64, String path, JsonNode plain, JsonNode strings) {
        if (VOLATILE.contains(path.replaceAll("/[0-9]+", ""))) {
            assertThat(strings.getNodeType()).as(path).isEqualTo(plain.getNodeType());
        } else if (int64.contains(path) && !plain.isNull()) {
            assertThat(plain.isIntegralNumber())
                    .as("%s is the number %s", path, plain)
                    .isTrue();
            assertThat(strings.isString())
                    .as("%s is the string %s", path, strings)
                    .isTrue();
            assertThat(strings.stringValue())
                    .as(path)
                    .isEqualTo(plain.bigIntegerValue().toString());
        } else if (plain.isObject()) {
            assertThat(List.copyOf(strings.propertyNames())).as(path).isEqualTo(List.copyOf(plain.propertyNames()));
            plain.properties()
                    .forEach(member -> assertForms(
                            int64,
                            path + "/" + member.getKey(),
                            member.getValue(),
                            Objects.requireNonNull(strings.get(member.getKey()))));
        } else if (plain.isArray()) {
            assertThat(strings.size()).as(path).isEqualTo(plain.size());
            for (int i = 0; i < plain.size(); i++) {
                assertForms(int64, path + "/" + i, plain.get(i), strings.get(i));
            }
        } else {
            assertThat(strings).as(path).isEqualTo(plain);
        }
    }

    // ---- live streams

    @ParameterizedTest
    @ValueSource(
            strings = {
                "/v1/counters/shop/big/events",
                "/v1/counters/shop/events?name=big&name=limited",
            })
    void eventsHaveStringsByTheQueryAndByTheHeaderField(String path) throws InterruptedException {
        String operation = path.contains("?") ? "watchCounters" : "watchCounter";
        String query = path + (path.contains("?") ? "&" : "?") + STRINGS;
        int count = path.contains("?") ? 2 : 1;
        try (EventStream plain = new EventStream(server.uri(), path);
                EventStream byQuery = new EventStream(server.uri(), query);
                EventStream byField = new EventStream(server.uri(), path, PREFER, STRINGS)) {
            plain.await(count);
            assertThat(plain.header(APPLIED)).isEmpty();
            for (EventStream strings : List.of(byQuery, byField)) {
                strings.await(count);
                assertThat(strings.header(APPLIED)).isEqualTo(STRINGS);
                assertForms(operation, 200, EVENTS, events(plain, count), events(strings, count));
                assertThat(ids(strings, count)).isEqualTo(ids(plain, count));
            }
        }
    }

    private static List<JsonNode> events(EventStream stream, int count) {
        return stream.events().subList(0, count).stream()
                .map(event -> event(event.data()))
                .toList();
    }

    private static List<String> ids(EventStream stream, int count) {
        return stream.events().subList(0, count).stream()
                .map(EventStream.Event::id)
                .toList();
    }

    @Test
    void laterEventsHaveStringsToo() throws InterruptedException {
        client.put("shop/moved", "{\"initial\":" + BIG + "}");
        try (EventStream strings = new EventStream(server.uri(), "/v1/counters/shop/moved/events?" + STRINGS);
                EventStream plain = new EventStream(server.uri(), "/v1/counters/shop/moved/events")) {
            strings.await(1);
            plain.await(1);
            client.increment("shop/moved", 1);
            JsonNode number = event(plain.await(2).data());
            JsonNode string = event(strings.await(2).data());
            assertForms("watchCounter", 200, EVENTS, List.of(number), List.of(string));
            client.send("DELETE", "/v1/counters/shop/moved", "");
            assertThat(strings.await(3).type()).isEqualTo("deleted");
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"JOB", "RUN"})
    void progressHasStringsByTheQuery(String id) {
        String path = id.equals("JOB") ? "/v1/jobs/" + job : "/v1/lab/runs/" + run;
        for (String accept : List.of("application/json", EVENTS)) {
            Answer plain = client.get(path, "Accept", accept);
            Answer strings = client.get(path + "?" + STRINGS, "Accept", accept);
            assertThat(strings.header(APPLIED)).isEqualTo(STRINGS);
            assertForms(id.equals("JOB") ? "getJob" : "getLabRun", 200, type(plain), bodies(plain), bodies(strings));
        }
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "/v1/counters/shop/big/events?int64=number",
                "/v1/counters/shop/big/events?int64=",
                "/v1/counters/shop/big/events?int64=String",
                "/v1/counters/shop/big/events?int64=string&int64=string",
                "/v1/counters/shop/big?int64=string",
                "/v1/counters/shop?int64=string",
            })
    void otherParametersAreMalformed(String path) {
        Answer refused = client.get(path, "Accept", path.contains("/events") ? EVENTS : "application/json");
        assertThat(refused.status()).isEqualTo(400);
        assertThat(refused.json().path("detail").asString()).contains("int64");
    }

    // ---- the header field

    @ParameterizedTest
    @ValueSource(
            strings = {
                "int64=string",
                "INT64=String",
                "int64=\"string\"",
                "int64 = string",
                "int64=string; strict=1",
                "respond-async, int64=string",
                "return=minimal, int64=string",
                "int64=string, int64=number",
            })
    void stringsArePreferred(String field) {
        Answer read = client.get("/v1/counters/shop/limited", PREFER, field);
        assertThat(read.json().path("value").asString()).isEqualTo("10");
        assertThat(read.json().path("value").isString()).isTrue();
        // Only an application of return=minimal is announced, and a read has none.
        assertThat(read.header(APPLIED)).isEqualTo(STRINGS);
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "int64",
                "int64=",
                "int64=number",
                "int64=strings",
                "int64=number, int64=string",
                "int=string",
                "return=minimal",
                "foo; int64=string",
                "int64='string'",
            })
    void otherPreferencesAreIgnored(String field) {
        Answer read = client.get("/v1/counters/shop/limited", PREFER, field);
        assertThat(read.json().path("value").isIntegralNumber()).isTrue();
        assertThat(read.header(APPLIED)).isEmpty();
    }

    @Test
    void severalFieldsAreOneList() throws IOException {
        RawHttp.Response answer = raw("POST /v1/increments HTTP/1.1\r\nHost: tally\r\nPrefer: return=minimal\r\n"
                + "prefer: int64=string\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n[]");
        assertThat(answer.header(APPLIED)).isEqualTo("return=minimal, int64=string");
        assertThat(answer.body()).startsWith("{\"applied\":\"0\",\"replayed\":\"0\"");
    }

    @Test
    void http10HasStringsToo() throws IOException {
        RawHttp.Response answer = raw("GET /v1/counters/shop/limited HTTP/1.0\r\nPrefer: int64=string\r\n\r\n");
        assertThat(answer.header(APPLIED)).isEqualTo(STRINGS);
        assertThat(answer.body()).contains("\"value\":\"10\"");
    }

    @Test
    void headHasTheFieldsOfGet() {
        for (String path : List.of("/v1/counters/shop/limited", "/v1/counters/shop/limited/events")) {
            Answer head = client.send("HEAD", path, "", PREFER, STRINGS, "Accept", "*/*");
            assertThat(head.status()).isEqualTo(200);
            assertThat(head.header(APPLIED)).isEqualTo(STRINGS);
        }
    }

    @Test
    void linesOfProblemsStayNumbers() {
        Answer summary = client.send(
                "POST", "/v1/increments", "\n\n{}\n", "Content-Type", LINES, PREFER, "return=minimal, int64=string");
        JsonNode problem = summary.json().at("/firstProblems/0");
        assertThat(problem.path("line").isIntegralNumber()).isTrue();
        assertThat(problem.path("line").asInt()).isEqualTo(3);
        assertThat(problem.at("/problem/status").asInt()).isEqualTo(400);
        assertThat(problem.at("/problem/status").isIntegralNumber()).isTrue();
    }

    @Test
    void filesAndPagesIgnoreThePreference() {
        for (String path : List.of("/openapi.json", "/openapi.yaml", "/livez", "/problems/malformed", "/docs")) {
            Answer plain = client.get(path);
            Answer strings = client.get(path, PREFER, STRINGS);
            assertThat(strings.body()).isEqualTo(plain.body());
            assertThat(strings.header(APPLIED)).isEmpty();
        }
    }

    // ---- caches

    /** Both forms have one entity tag, so no cache may use one for the other. */
    @Test
    void cachesKeepTheFormsApart() {
        String path = "/v1/counters/shop/limited";
        Answer plain = client.get(path);
        assertThat(plain.header("Vary")).isEqualTo(PREFER);
        assertThat(plain.header("Cache-Control")).isEqualTo("no-cache");
        String tag = plain.header("ETag");
        assertThat(client.get(path, "If-None-Match", tag).status()).isEqualTo(304);

        Answer strings = client.get(path, PREFER, STRINGS, "If-None-Match", tag);
        assertThat(strings.status()).isEqualTo(200);
        assertThat(strings.header("Vary")).isEqualTo(PREFER);
        assertThat(strings.header("Cache-Control")).isEqualTo("no-store");
        assertThat(client.get(path, PREFER, STRINGS, "If-Match", "\"9\"").status())
                .isEqualTo(412);
        assertThat(client.get("/v1/counters/shop").header("Vary")).isEqualTo("Accept-Encoding, Prefer");
    }

    private RawHttp.Response raw(String request) throws IOException {
        return RawHttp.exchange(server.uri(), request);
    }
}
