package io.tally.http;

import static org.assertj.core.api.Assertions.assertThat;

import io.tally.http.Routes.Route;
import io.tally.snapshot.SnapshotFixture;
import io.tally.testing.Database;
import io.tally.testing.Postgres;
import io.tally.testing.RawHttp;
import io.tally.testing.RawHttp.Response;
import io.tally.testing.TallyClient;
import io.tally.testing.TallyClient.Answer;
import io.tally.testing.TallyServer;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import java.util.zip.GZIPInputStream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.springframework.http.HttpMethod;

/** What every route promises, tried on each that there is: a new one is tried without a change here. */
@Timeout(120)
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class RoutesIT {

    /** Fields that differ from answer to answer. */
    private static final Set<String> VARYING = Set.of("x-request-id", "date");

    private Database database;
    private TallyServer server;
    private TallyClient client;
    private final Map<String, String> variables = new HashMap<>();

    @BeforeAll
    void start() throws Exception {
        database = Postgres.shared().createDatabase();
        server = TallyServer.start(database, "tally.lab.enabled", "true");
        client = new TallyClient(server.uri());
        client.put("routes/members", "");
        client.send("DELETE", "/v1/counters/routes/members", "");
        client.send("PUT", "/v1/counters/routes/members/members/ann", "");
        client.send("POST", "/v1/names/routes", "[\"a\"]");
        variables.putAll(Map.of(
                "namespace", "routes", "name", "members", "member", "ann", "slug", "malformed", "file", "docs.js"));
        String job = SnapshotFixture.insertDone(database, "routes");
        String run = client.send("POST", "/v1/lab/runs", "{\"strategy\":\"atomic\",\"increments\":10,\"workers\":1}")
                .header("Location");
        variables.put("/v1/jobs/{id}", job);
        variables.put("/v1/lab/runs/{id}", run.substring(run.lastIndexOf('/') + 1));
    }

    @AfterAll
    void stop() {
        client.requireBalancedBooks();
        server.close();
    }

    private Stream<String> all() {
        return Stream.concat(
                server.beans(Route.class).map(Route::pattern).distinct(), Stream.of("/livez", "/readyz", "/nowhere"));
    }

    /** Without the sign-in, which is absent where requests need no credentials. */
    private Stream<Route> routes() {
        return server.beans(Route.class).filter(route -> !route.pattern().equals("/console/session"));
    }

    private Stream<String> patterns() {
        return routes().map(Route::pattern).distinct();
    }

    /** Those with a representation, which a redirect is not. */
    private Stream<String> read() {
        return routes().filter(route -> route.allowed().contains(HttpMethod.GET))
                .map(Route::pattern)
                .filter(pattern -> !pattern.equals("/console"));
    }

    private String path(String pattern) {
        String path = pattern;
        if (path.contains("{id}")) {
            path = path.replace("{id}", variables.getOrDefault(pattern, "1"));
        }
        for (Map.Entry<String, String> variable : variables.entrySet()) {
            path = path.replace("{" + variable.getKey() + "}", variable.getValue());
        }
        path = path.replaceAll("\\{[a-z]+}", "1");
        return switch (pattern) {
            case "/v1/counters/{namespace}/events" -> path + "?name=members";
            case "/v1/names/{namespace}" -> path + "?id=1";
            case "/console/{file}" -> "/console/main.js";
            case "/v1/names/{namespace}/{name}" -> path.replace("members", "a");
            default -> path;
        };
    }

    private String withoutQuery(String pattern) {
        return path(pattern).split("\\?", 2)[0];
    }

    /** Status and header fields, without waiting for the body, which may have no end. */
    private Response head(String method, String path, String... fields) throws IOException {
        String lines = Arrays.stream(fields).map(field -> field + "\r\n").collect(Collectors.joining());
        try (RawHttp connection = new RawHttp(server.uri())) {
            connection.send(method + " " + path + " HTTP/1.1\r\nHost: tally\r\n" + lines + "\r\n");
            return connection.readHead();
        }
    }

    private static Map<String, String> comparable(Response response) {
        Map<String, String> fields = new HashMap<>();
        response.headers().forEach((name, value) -> fields.put(name.toLowerCase(Locale.ROOT), value));
        fields.keySet().removeAll(VARYING);
        // Of a body without an end, which HEAD does not have.
        fields.remove("transfer-encoding");
        return fields;
    }

    // ---- Cache-Control

    @ParameterizedTest
    @MethodSource("all")
    void noCacheKeepsWhatWasRead(String pattern) throws Exception {
        String life = pattern.startsWith("/problems/") ? "max-age=3600, public" : "no-";
        for (String method : List.of("GET", "HEAD")) {
            assertThat(head(method, path(pattern)).header("Cache-Control")).startsWith(life);
            // Refused: its type, its precondition, its path.
            for (Response refused : List.of(
                    head(method, path(pattern), "Accept: x/y"),
                    head(method, path(pattern), "If-Match: \"0\""),
                    head(method, path(pattern) + "/%FF"))) {
                if (refused.status() >= 400) {
                    assertThat(refused.header("Cache-Control")).isEqualTo("no-cache");
                }
            }
        }
    }

    @Test
    void noCacheKeepsWhatWasNotModifiedOrNotUnderstood() throws Exception {
        Response unmodified = head("GET", "/v1/counters/routes/members", "If-None-Match: *");
        assertThat(unmodified.status()).isEqualTo(304);
        assertThat(unmodified.header("Cache-Control")).isEqualTo("no-cache");
        assertThat(unmodified.header("ETag")).isNotEmpty();
        Response tooLong = head("GET", "/v1/counters/routes/" + "x".repeat(5_000));
        assertThat(tooLong.status()).isEqualTo(414);
        assertThat(tooLong.header("Cache-Control")).isEqualTo("no-cache");
        assertThat(head("GET", "/problems/unheard-of").header("Cache-Control")).isEqualTo("no-cache");
    }

    /** A stream that fails before its first event is no stream. */
    @Test
    void problemInPlaceOfAStreamHasNoneOfItsFields() throws Exception {
        Response absent = head("GET", "/v1/counters/routes/absent/events", "Accept: text/event-stream");
        assertThat(absent.status()).isEqualTo(404);
        assertThat(absent.header("Content-Type")).isEqualTo("application/problem+json");
        assertThat(absent.header("Cache-Control")).isEqualTo("no-cache");
        assertThat(absent.headers()).doesNotContainKey("X-Accel-Buffering");
    }

    // ---- HEAD, OPTIONS, 405

    @ParameterizedTest
    @MethodSource("read")
    void headHasTheFieldsOfGet(String pattern) throws Exception {
        for (String accept : List.of("*/*", "text/event-stream", "text/html", "application/json")) {
            Response get = head("GET", path(pattern), "Accept: " + accept);
            Response head = head("HEAD", path(pattern), "Accept: " + accept);
            assertThat(head.status()).as(accept).isEqualTo(get.status());
            assertThat(comparable(head)).as(accept).isEqualTo(comparable(get));
        }
        assertThat(head("GET", path(pattern), "Accept: */*").status()).isEqualTo(200);
        // What follows on the connection is the next answer, and no body.
        try (RawHttp connection = new RawHttp(server.uri())) {
            for (int i = 0; i < 2; i++) {
                connection.send("HEAD " + path(pattern) + " HTTP/1.1\r\nHost: tally\r\n\r\n");
                assertThat(connection.readHead().status()).isEqualTo(200);
            }
        }
    }

    @ParameterizedTest
    @MethodSource("patterns")
    void everyRouteSaysWhichMethodsItTakes(String pattern) {
        // The stream of a namespace is read only: everything else is about the counter of that name.
        String resource = pattern.endsWith("{namespace}/events") ? "/v1/counters/{namespace}/{name}" : pattern;
        Set<String> allowed = server.beans(Route.class)
                .filter(route -> route.pattern().equals(resource))
                .flatMap(route -> route.allowed().stream())
                .map(HttpMethod::name)
                .collect(Collectors.toCollection(TreeSet::new));
        Answer options = client.send("OPTIONS", withoutQuery(pattern), "");
        assertThat(options.status()).isEqualTo(204);
        assertThat(methods(options)).isEqualTo(allowed);
        for (String method : List.of("PURGE", "PATCH", "POST")) {
            if (!allowed.contains(method)) {
                Answer refused = client.send(method, withoutQuery(pattern), "");
                assertThat(refused.status()).as(method).isEqualTo(405);
                assertThat(refused.problem()).isEqualTo("method-not-allowed");
                assertThat(methods(refused)).isEqualTo(allowed);
            }
        }
    }

    private static Set<String> methods(Answer answer) {
        return new TreeSet<>(List.of(answer.header("Allow").split(", ?", -1)));
    }

    @ParameterizedTest
    @ValueSource(strings = {"/livez", "/readyz"})
    void probesSayWhichMethodsTheyTake(String probe) {
        assertThat(methods(client.send("OPTIONS", probe, ""))).contains("GET", "HEAD", "OPTIONS");
        Answer refused = client.post(probe);
        assertThat(refused.status()).isEqualTo(405);
        assertThat(refused.header("Allow")).contains("GET");
        assertThat(client.send("HEAD", probe, "").status()).isEqualTo(200);
    }

    // ---- Accept

    @ParameterizedTest
    @MethodSource("read")
    void acceptIsWeighedOnEveryRoute(String pattern) throws Exception {
        String type = head("GET", path(pattern)).header("Content-Type");
        if (pattern.startsWith("/problems/")
                || pattern.startsWith("/docs")
                || List.of("/console/", "/console/{file}").contains(pattern)) {
            return; // ignores Accept
        }
        String ranges = type.substring(0, type.indexOf('/')) + "/*";
        for (String accept : List.of(
                "*/*",
                ranges,
                type,
                type + ";q=0.1",
                "x/y, */*;q=0.1",
                "*/*;q=0, " + type,
                "x/y;q=0, garbage, " + type)) {
            Response answer = head("GET", path(pattern), "Accept: " + accept);
            assertThat(answer.status()).as(accept).isEqualTo(200);
            assertThat(answer.header("Content-Type"))
                    .as(accept)
                    .isEqualTo(accept.equals("application/*") && type.endsWith("json") ? "application/json" : type);
        }
        for (String accept : List.of("x/y", "*/*;q=0", "application/problem+json", "garbage", "*/*;q=0, x/y")) {
            Response answer = head("GET", path(pattern), "Accept: " + accept);
            assertThat(answer.status()).as(accept).isEqualTo(406);
            assertThat(answer.header("Content-Type")).isEqualTo("application/problem+json");
        }
    }

    // ---- preconditions

    @ParameterizedTest
    @MethodSource("read")
    void preconditionsAreEvaluatedOnEveryRead(String pattern) throws Exception {
        String tag = head("GET", path(pattern)).header("ETag");
        for (String method : List.of("GET", "HEAD")) {
            for (String other : List.of("\"\"", "\"0\"", "W/\"1\"", "\"a,b\" , W/\"\",")) {
                assertThat(head(method, path(pattern), "If-Match: " + other).status())
                        .as(other)
                        .isEqualTo(412);
                assertThat(head(method, path(pattern), "If-None-Match: \"x\"," + other.replace("1", "0"))
                                .status())
                        .as(other)
                        .isEqualTo(200);
            }
            assertThat(head(method, path(pattern), "If-Match: *").status()).isEqualTo(200);
            assertThat(head(method, path(pattern), "If-Match: 1").status()).isEqualTo(400);
            if (!tag.isEmpty()) {
                assertThat(head(method, path(pattern), "If-Match: \"x\", " + tag)
                                .status())
                        .isEqualTo(200);
                assertThat(head(method, path(pattern), "If-None-Match: , W/" + tag)
                                .status())
                        .isEqualTo(304);
                assertThat(head(method, path(pattern), "If-Match: " + tag, "If-None-Match: " + tag)
                                .status())
                        .isEqualTo(304);
                assertThat(head(method, path(pattern), "If-Match: \"x\"", "If-None-Match: " + tag)
                                .status())
                        .isEqualTo(412);
            }
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"\"\"", "W/\"\"", "\"a,b\"", "\"\", \"b\""})
    void tagOfNoVersionMatchesNone(String tag) {
        client.increment("tags/a", 1);
        for (String method : List.of("PATCH", "DELETE", "PUT")) {
            Answer refused = client.send(
                    method, "/v1/counters/tags/a", method.equals("PATCH") ? "{\"value\":1}" : "", "If-Match", tag);
            assertThat(refused.status()).as(method).isEqualTo(412);
            assertThat(refused.json().path("version").asLong()).isPositive();
        }
        assertThat(client.increment("tags/a", 1, "If-Match", tag).status()).isEqualTo(412);
        assertThat(client.increment("tags/a", 1, "If-Match", tag + ", *").status())
                .isEqualTo(400);
        assertThat(client.increment("tags/a", 1, "If-Match", "*", "If-None-Match", "*")
                        .status())
                .isEqualTo(412);
        assertThat(client.increment("tags/a", 1, "If-None-Match", "\"\"").status())
                .isEqualTo(200);
    }

    /** Where what is written has no tag, If-Match cannot hold (RFC 9110, section 13.1.1). */
    @Test
    void writesWithoutTagsRefuseIfMatch() {
        List<String> tried = new ArrayList<>();
        routes().filter(route -> !isCounter(route.pattern()))
                .forEach(route -> route.allowed().stream()
                        .filter(method -> !Set.of(HttpMethod.GET, HttpMethod.HEAD, HttpMethod.OPTIONS)
                                .contains(method))
                        .forEach(method -> {
                            Answer refused =
                                    client.send(method.name(), withoutQuery(route.pattern()), "", "If-Match", "*");
                            assertThat(refused.status())
                                    .as(method + route.pattern())
                                    .isEqualTo(412);
                            tried.add(method + route.pattern());
                        }));
        assertThat(tried).hasSizeGreaterThan(8);
    }

    private static boolean isCounter(String pattern) {
        return pattern.equals(CounterPath.COUNTER) || pattern.equals(CounterPath.INCREMENTS);
    }

    // ---- compression

    private HttpResponse<byte[]> bytes(String method, String path, String body, String... fields) throws Exception {
        return HttpClient.newHttpClient()
                .send(
                        HttpRequest.newBuilder(server.uri().resolve(path))
                                .headers(fields)
                                .header("Content-Type", "application/json")
                                .method(method, HttpRequest.BodyPublishers.ofString(body))
                                .build(),
                        BodyHandlers.ofByteArray());
    }

    private static String text(HttpResponse<byte[]> response) throws IOException {
        boolean coded = response.headers().firstValue("Content-Encoding").isPresent();
        return new String(
                coded ? new GZIPInputStream(new ByteArrayInputStream(response.body())).readAllBytes() : response.body(),
                StandardCharsets.UTF_8);
    }

    @Test
    void listsAreCompressedWhereThatIsAccepted() throws Exception {
        String items = IntStream.range(0, 200)
                .mapToObj(i -> "{\"namespace\":\"zip\",\"name\":\"c-" + i + "\",\"delta\":1}")
                .collect(Collectors.joining(",", "[", "]"));
        String names =
                IntStream.range(0, 200).mapToObj(i -> "\"n-" + i + "\"").collect(Collectors.joining(",", "[", "]"));
        client.send("POST", "/v1/increments", items);
        client.send("POST", "/v1/names/zip", names);
        for (int i = 0; i < 60; i++) {
            client.send("PUT", "/v1/counters/zip/m/members/member-with-a-long-name-" + i, "");
        }
        for (String list : List.of(
                "GET /v1/counters/zip?limit=1000",
                "GET /v1/counters/zip?sort=-value",
                "GET /v1/counters/zip/m/members",
                "POST /v1/names/zip")) {
            String method = list.substring(0, list.indexOf(' '));
            String path = list.substring(list.indexOf(' ') + 1);
            String body = method.equals("POST") ? names : "";
            String vary = method.equals("POST") ? "Accept-Encoding" : "Accept-Encoding, Prefer";
            HttpResponse<byte[]> coded = bytes(method, path, body, "Accept-Encoding", "br, gzip;q=0.8");
            HttpResponse<byte[]> plain = bytes(method, path, body, "Accept-Encoding", "gzip;q=0, *");
            assertThat(coded.headers().firstValue("Content-Encoding")).as(list).hasValue("gzip");
            assertThat(plain.headers().firstValue("Content-Encoding")).as(list).isEmpty();
            for (HttpResponse<byte[]> response : List.of(coded, plain)) {
                assertThat(response.headers().firstValue("Vary")).as(list).hasValue(vary);
                assertThat(response.headers().firstValue("ETag")).as(list).isEmpty();
                assertThat(response.headers().firstValueAsLong("Content-Length"))
                        .as(list)
                        .hasValue(response.body().length);
            }
            assertThat(withoutTime(text(coded))).as(list).isEqualTo(withoutTime(text(plain)));
            assertThat(coded.body().length).as(list).isLessThan(plain.body().length / 2);
            if (method.equals("GET") && !path.contains("sort")) {
                Response head = head("HEAD", path, "Accept-Encoding: gzip");
                assertThat(head.header("Content-Encoding")).isEqualTo("gzip");
                assertThat(head.header("Content-Length")).isEqualTo(Integer.toString(coded.body().length));
            }
        }
        for (String single :
                List.of("GET /v1/counters/zip/c-1", "POST /v1/counters/zip/c-1/increments", "GET /livez")) {
            HttpResponse<byte[]> response = bytes(
                    single.split(" ", 2)[0],
                    single.split(" ", 2)[1],
                    single.startsWith("P") ? "{}" : "",
                    "Accept-Encoding",
                    "gzip");
            assertThat(response.headers().firstValue("Content-Encoding"))
                    .as(single)
                    .isEmpty();
        }
        assertThat(bytes("POST", "/v1/increments", items, "Accept-Encoding", "gzip")
                        .headers()
                        .firstValue("Content-Encoding"))
                .isEmpty();
        // A page that fits into a packet is not worth it.
        assertThat(bytes("GET", "/v1/counters/zip?limit=1", "", "Accept-Encoding", "gzip")
                        .headers()
                        .map())
                .doesNotContainKey("content-encoding")
                .containsKey("vary");
    }

    private static String withoutTime(String json) {
        return json.replaceAll("\"(asOf|lagSeconds|created|next)\":[^,}]+", "");
    }
}
