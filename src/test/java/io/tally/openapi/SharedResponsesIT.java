package io.tally.openapi;

import static org.assertj.core.api.Assertions.assertThat;

import io.tally.testing.ApiOperation;
import io.tally.testing.Clients;
import io.tally.testing.Database;
import io.tally.testing.EventStream;
import io.tally.testing.Postgres;
import io.tally.testing.RawHttp;
import io.tally.testing.TallyClient;
import io.tally.testing.TallyClient.Answer;
import io.tally.testing.TallyServer;
import io.tally.testing.WireProxy;
import java.io.IOException;
import java.net.URI;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.UUID;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.springframework.boot.availability.ApplicationAvailabilityBean;
import org.springframework.boot.availability.AvailabilityChangeEvent;
import org.springframework.boot.availability.AvailabilityState;
import org.springframework.boot.availability.LivenessState;
import org.springframework.boot.availability.ReadinessState;

/**
 * The statuses that many operations share, provoked for each operation that has them in the OpenAPI file: a new
 * operation is tried without a change here.
 */
@Timeout(120)
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class SharedResponsesIT {

    private static final String ROOT_KEY = "root".repeat(8);
    private static final String ABSENT = "absent";
    private static final String TOO_LARGE = " ".repeat(1_100_000);

    private Database database;
    private WireProxy proxy;
    private TallyServer server;
    private TallyClient client;
    private final Map<String, String> present = new HashMap<>();

    @BeforeAll
    void start() throws Exception {
        database = Postgres.shared().createDatabase();
        proxy = new WireProxy("127.0.0.1", port(database));
        server = TallyServer.start(
                proxy.through(database),
                "tally.access.mode",
                "keys",
                "tally.access.root-key",
                ROOT_KEY,
                "tally.lab.enabled",
                "true",
                "tally.watch.streams-max",
                "1",
                "tally.database.connect-timeout",
                "1s",
                "tally.pipeline.wait-max",
                "1s",
                "tally.pipeline.outcome-max",
                "1s");
        client = new TallyClient(server.uri(), "Authorization", "Bearer " + ROOT_KEY);
        client.put("shop/stock", "");
        client.send("PUT", "/v1/counters/shop/likes/members/ann", "");
        client.send("POST", "/v1/names/shop", "[\"blue\",\"stock\"]");
        present.put(
                "key",
                id(client.send(
                        "POST",
                        "/v1/keys",
                        "{\"name\":\"a\",\"grants\":[{\"namespaces\":[\"*\"],\"actions\":[\"read\"]}]}")));
        present.put("job", id(client.post("/v1/snapshots/shop")));
        String run = id(client.send("POST", "/v1/lab/runs", "{\"strategy\":\"atomic\",\"increments\":10}"));
        present.put("run", run);
        Clients.await(
                "the end of the run",
                Clients.PATIENCE,
                () -> !client.get("/v1/lab/runs/" + run)
                        .json()
                        .path("state")
                        .asString()
                        .equals("running"));
    }

    @AfterAll
    void stop() {
        server.close();
        proxy.close();
    }

    private static int port(Database database) {
        return URI.create(database.url()).getPort();
    }

    private static String id(Answer started) {
        String location = started.header("Location");
        return location.substring(location.lastIndexOf('/') + 1);
    }

    private static Stream<ApiOperation> with(int status) {
        return ApiOperation.all().filter(tried -> tried.has(status));
    }

    private String target(ApiOperation tried) {
        Map<String, String> values = new HashMap<>();
        if (tried.path().contains("/members")) {
            values.put("name", "likes");
        }
        if (tried.path().startsWith("/v1/names/{namespace}/")) {
            values.put("name", "blue");
        }
        if (tried.path().endsWith("/events") && !tried.path().contains("{name}")) {
            values.put("name", "stock");
        }
        if (tried.path().contains("{id}")) {
            String kind = tried.path().contains("/jobs/") ? "job" : tried.path().contains("/keys/") ? "key" : "run";
            values.put("id", Objects.requireNonNull(present.get(kind)));
        }
        return tried.target(values);
    }

    /** Sends a head and a body as they are. */
    private RawHttp.Response raw(ApiOperation tried, String fields, String body) throws IOException {
        return RawHttp.exchange(
                server.uri(),
                tried.method() + " " + target(tried) + " HTTP/1.1\r\nHost: tally\r\nAuthorization: Bearer " + ROOT_KEY
                        + "\r\n" + fields + "\r\n" + body);
    }

    private static String[] accepting(ApiOperation tried, String... headers) {
        return tried.path().endsWith("/events")
                ? Stream.concat(Stream.of(headers), Stream.of("Accept", "text/event-stream"))
                        .toArray(String[]::new)
                : headers;
    }

    // ---- before the operation

    static Stream<ApiOperation> malformed() {
        return with(400);
    }

    @ParameterizedTest
    @MethodSource("malformed")
    void requestWithTwoHostsIsMalformed(ApiOperation tried) throws IOException {
        assertThat(raw(tried, "Host: another\r\n", "").status()).isEqualTo(400);
    }

    static Stream<ApiOperation> codings() {
        return with(501);
    }

    @ParameterizedTest
    @MethodSource("codings")
    void otherTransferCodingIsNotImplemented(ApiOperation tried) throws IOException {
        assertThat(raw(tried, "Transfer-Encoding: gzip, chunked\r\n", "").status())
                .isEqualTo(501);
    }

    static Stream<ApiOperation> types() {
        return with(415);
    }

    @ParameterizedTest
    @MethodSource("types")
    void otherContentCodingIsUnsupported(ApiOperation tried) {
        assertThat(client.send(tried.method(), target(tried), "", "Content-Encoding", "br")
                        .status())
                .isEqualTo(415);
    }

    @ParameterizedTest
    @ValueSource(strings = {"/nowhere", "/v1", "/v1/counters"})
    void unknownPathIsNotFound(String path) throws IOException {
        assertThat(client.get(path).status()).isEqualTo(404);
        assertThat(client.get(path, "Content-Encoding", "br").status()).isEqualTo(415);
        for (String field : List.of("Host: another", "Transfer-Encoding: gzip, chunked")) {
            assertThat(RawHttp.exchange(
                                    server.uri(), "GET " + path + " HTTP/1.1\r\nHost: tally\r\n" + field + "\r\n\r\n")
                            .status())
                    .isBetween(400, 501);
        }
    }

    // ---- by the operation

    static Stream<ApiOperation> representations() {
        return with(406);
    }

    @ParameterizedTest
    @MethodSource("representations")
    void otherRepresentationIsNotAcceptable(ApiOperation tried) {
        assertThat(client.send(tried.method(), target(tried), "", "Accept", "x/y")
                        .status())
                .isEqualTo(406);
    }

    static Stream<ApiOperation> preconditions() {
        return with(412);
    }

    @ParameterizedTest
    @MethodSource("preconditions")
    void preconditionFails(ApiOperation tried) {
        Answer refused =
                client.send(tried.method(), target(tried), tried.body(), accepting(tried, "If-Match", "\"0\""));
        assertThat(refused.status()).as(refused.body()).isEqualTo(412);
    }

    static Stream<ApiOperation> bodies() {
        return with(413);
    }

    @ParameterizedTest
    @MethodSource("bodies")
    void bodyIsTooLarge(ApiOperation tried) throws IOException {
        RawHttp.Response refused = raw(
                tried,
                conditions(tried) + "Content-Type: application/json\r\nContent-Length: " + TOO_LARGE.length() + "\r\n",
                TOO_LARGE);
        assertThat(refused.status()).as(refused.body()).isEqualTo(413);
    }

    private static String conditions(ApiOperation tried) {
        return tried.has(428) ? "If-Match: *\r\n" : "";
    }

    static Stream<ApiOperation> absent() {
        return with(404);
    }

    @ParameterizedTest
    @MethodSource("absent")
    void somethingElseIsNotFound(ApiOperation tried) {
        String target = tried.target(Map.of(
                "namespace", ABSENT,
                "name", ABSENT,
                "member", ABSENT,
                "token", ABSENT,
                "slug", ABSENT,
                "file", ABSENT,
                "id",
                        tried.path().startsWith("/v1/names")
                                ? "1"
                                : UUID.randomUUID().toString()));
        // Without the lab, whose routes are not found.
        Answer answer = new TallyClient(TallyServer.shared().uri())
                .send(
                        tried.method(),
                        target,
                        tried.body(),
                        tried.has(428) ? new String[] {"If-Match", "*"} : new String[0]);
        assertThat(answer.status()).as(answer.body()).isEqualTo(404);
    }

    static Stream<ApiOperation> keys() {
        return with(422);
    }

    @ParameterizedTest
    @MethodSource("keys")
    void keyOfAnotherRequestIsRefused(ApiOperation tried) {
        String key = UUID.randomUUID().toString();
        String[] headers = tried.has(428)
                ? new String[] {"Idempotency-Key", key, "If-Match", "*"}
                : new String[] {"Idempotency-Key", key};
        String other = switch (tried.path()) {
            case "/v1/transactions" -> "{\"increments\":[{\"namespace\":\"shop\",\"name\":\"a\",\"delta\":5}]}";
            case "/v1/lab/runs" -> "{\"strategy\":\"upsert\",\"increments\":1,\"workers\":1}";
            default -> "";
        };
        Answer first = other.isEmpty()
                ? client.increment("shop/keys", 1, headers)
                : client.send("POST", tried.path(), other, headers);
        assertThat(first.status()).as(first.body()).isBetween(200, 299);
        Answer refused = client.send(tried.method(), target(tried), tried.body(), headers);
        assertThat(refused.status()).as(refused.body()).isEqualTo(422);
    }

    /** The one status that takes a million rows: the counter is made to look like that. */
    @Test
    void counterOfTooManyMembersIsNotDeleted() throws Exception {
        client.send("PUT", "/v1/counters/shop/crowd/members/ann", "");
        database.of("shop").execute("update counter set value = 1000001 where name = 'crowd'");
        Answer refused = client.send("DELETE", "/v1/counters/shop/crowd", "");
        assertThat(refused.status()).as(refused.body()).isEqualTo(409);
        assertThat(refused.problem()).isEqualTo("too-many-members");
    }

    // ---- where the service cannot

    @Test
    void unavailable() throws Exception {
        List<ApiOperation> tried = with(503)
                .filter(each -> each.path().startsWith("/v1/"))
                // An array of increments has a problem in each item: BufferedBodiesIT has its 503.
                .filter(each -> !each.path().equals("/v1/increments"))
                // The root key is not stored: AccessFaultsIT has its 503.
                .filter(each -> !each.path().equals("/v1/caller"))
                .toList();
        try (EventStream only = new EventStream(
                server.uri(), "/v1/counters/shop/stock/events", "Authorization", "Bearer " + ROOT_KEY)) {
            only.await(1);
            proxy.refuse();
            proxy.cutAll();
            List<String> answers = Clients.atOnce(tried.size(), i -> {
                ApiOperation each = tried.get(i);
                String[] headers = each.has(428) ? new String[] {"If-Match", "*"} : new String[0];
                return each + " "
                        + client.send(each.method(), target(each), each.body(), accepting(each, headers))
                                .status();
            });
            assertThat(answers).allMatch(answer -> answer.endsWith(" 503"));
        } finally {
            proxy.admit();
        }
    }

    @Test
    void probesSayThatTheInstanceIsBrokenOrTakesNoRequests() {
        become(LivenessState.BROKEN);
        become(ReadinessState.REFUSING_TRAFFIC);
        try {
            assertThat(client.get("/livez").status()).isEqualTo(503);
            assertThat(client.get("/readyz").status()).isEqualTo(503);
        } finally {
            become(LivenessState.CORRECT);
            become(ReadinessState.ACCEPTING_TRAFFIC);
        }
        assertThat(client.get("/livez").status()).isEqualTo(200);
        assertThat(client.get("/readyz").status()).isEqualTo(200);
    }

    private void become(AvailabilityState state) {
        server.bean(ApplicationAvailabilityBean.class).onApplicationEvent(new AvailabilityChangeEvent<>(this, state));
    }
}
