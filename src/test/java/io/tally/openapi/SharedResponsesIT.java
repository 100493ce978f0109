package io.tally.openapi;

import static org.assertj.core.api.Assertions.assertThat;

import io.swagger.v3.oas.models.OpenAPI;
import io.swagger.v3.oas.models.Operation;
import io.swagger.v3.oas.models.media.MediaType;
import io.swagger.v3.oas.models.parameters.Parameter;
import io.tally.testing.Clients;
import io.tally.testing.Contract;
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
import java.util.ArrayList;
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

    private static final String ABSENT = "absent";
    private static final String TOO_LARGE = " ".repeat(1_100_000);

    private Database database;
    private WireProxy proxy;
    private TallyServer server;
    private TallyClient client;
    private final Map<String, String> present = new HashMap<>();

    /** An operation of the file. */
    record Tried(String method, String path, Operation operation) {

        boolean has(int status) {
            return operation.getResponses().containsKey(Integer.toString(status));
        }

        boolean hasBody() {
            return operation.getRequestBody() != null;
        }

        /** The example of the JSON body, empty where the operation has no body. */
        String body() {
            if (!hasBody()) {
                return "";
            }
            MediaType json = Objects.requireNonNull(
                    operation.getRequestBody().getContent().get("application/json"));
            return Objects.requireNonNull(json.getExample()).toString();
        }

        /** The path and the query that is required, with these values or the examples of the file. */
        String target(Map<String, String> values) {
            String target = path;
            String query = "";
            for (Parameter parameter : operation.getParameters()) {
                String value = values.getOrDefault(parameter.getName(), String.valueOf(parameter.getExample()));
                if (parameter.getIn().equals("path")) {
                    target = target.replace("{" + parameter.getName() + "}", value);
                } else if (parameter.getIn().equals("query") && Boolean.TRUE.equals(parameter.getRequired())) {
                    query = "?" + parameter.getName() + "=" + value.replaceAll("[^\\w-]", "");
                }
            }
            return target + query;
        }

        @Override
        public String toString() {
            return operation.getOperationId();
        }
    }

    @BeforeAll
    void start() throws Exception {
        database = Postgres.shared().createDatabase();
        proxy = new WireProxy("127.0.0.1", port(database));
        server = TallyServer.start(
                proxy.through(database),
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
        client = new TallyClient(server.uri());
        client.put("shop/stock", "");
        client.send("PUT", "/v1/counters/shop/likes/members/ann", "");
        client.send("POST", "/v1/names/shop", "[\"blue\",\"stock\"]");
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

    static Stream<Tried> operations() {
        OpenAPI api = Contract.shared().api();
        List<Tried> tried = new ArrayList<>();
        api.getPaths()
                .forEach((path, item) -> item.readOperationsMap()
                        .forEach((method, operation) -> tried.add(new Tried(method.name(), path, operation))));
        return tried.stream();
    }

    private static Stream<Tried> with(int status) {
        return operations().filter(tried -> tried.has(status));
    }

    private String target(Tried tried) {
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
            values.put("id", Objects.requireNonNull(present.get(tried.path().contains("/jobs/") ? "job" : "run")));
        }
        return tried.target(values);
    }

    /** Sends a head and a body as they are. */
    private RawHttp.Response raw(Tried tried, String fields, String body) throws IOException {
        return RawHttp.exchange(
                server.uri(),
                tried.method() + " " + target(tried) + " HTTP/1.1\r\nHost: tally\r\n" + fields + "\r\n" + body);
    }

    private static String[] accepting(Tried tried, String... headers) {
        return tried.path().endsWith("/events")
                ? Stream.concat(Stream.of(headers), Stream.of("Accept", "text/event-stream"))
                        .toArray(String[]::new)
                : headers;
    }

    // ---- before the operation

    static Stream<Tried> malformed() {
        return with(400);
    }

    @ParameterizedTest
    @MethodSource("malformed")
    void requestWithTwoHostsIsMalformed(Tried tried) throws IOException {
        assertThat(raw(tried, "Host: another\r\n", "").status()).isEqualTo(400);
    }

    static Stream<Tried> codings() {
        return with(501);
    }

    @ParameterizedTest
    @MethodSource("codings")
    void otherTransferCodingIsNotImplemented(Tried tried) throws IOException {
        assertThat(raw(tried, "Transfer-Encoding: gzip, chunked\r\n", "").status())
                .isEqualTo(501);
    }

    static Stream<Tried> types() {
        return with(415);
    }

    @ParameterizedTest
    @MethodSource("types")
    void otherContentCodingIsUnsupported(Tried tried) {
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

    static Stream<Tried> representations() {
        return with(406);
    }

    @ParameterizedTest
    @MethodSource("representations")
    void otherRepresentationIsNotAcceptable(Tried tried) {
        assertThat(client.send(tried.method(), target(tried), "", "Accept", "x/y")
                        .status())
                .isEqualTo(406);
    }

    static Stream<Tried> preconditions() {
        return with(412);
    }

    @ParameterizedTest
    @MethodSource("preconditions")
    void preconditionFails(Tried tried) {
        Answer refused =
                client.send(tried.method(), target(tried), tried.body(), accepting(tried, "If-Match", "\"0\""));
        assertThat(refused.status()).as(refused.body()).isEqualTo(412);
    }

    static Stream<Tried> bodies() {
        return with(413);
    }

    @ParameterizedTest
    @MethodSource("bodies")
    void bodyIsTooLarge(Tried tried) throws IOException {
        RawHttp.Response refused = raw(
                tried,
                conditions(tried) + "Content-Type: application/json\r\nContent-Length: " + TOO_LARGE.length() + "\r\n",
                TOO_LARGE);
        assertThat(refused.status()).as(refused.body()).isEqualTo(413);
    }

    private static String conditions(Tried tried) {
        return tried.has(428) ? "If-Match: *\r\n" : "";
    }

    static Stream<Tried> absent() {
        return with(404);
    }

    @ParameterizedTest
    @MethodSource("absent")
    void somethingElseIsNotFound(Tried tried) {
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

    static Stream<Tried> keys() {
        return with(422);
    }

    @ParameterizedTest
    @MethodSource("keys")
    void keyOfAnotherRequestIsRefused(Tried tried) {
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
        database.execute("update counter set value = 1000001 where name = 'crowd'");
        Answer refused = client.send("DELETE", "/v1/counters/shop/crowd", "");
        assertThat(refused.status()).as(refused.body()).isEqualTo(409);
        assertThat(refused.problem()).isEqualTo("too-many-members");
    }

    // ---- where the service cannot

    @Test
    void unavailable() throws Exception {
        List<Tried> tried = with(503)
                .filter(each -> each.path().startsWith("/v1/"))
                // An array of increments has a problem in each item: BufferedBodiesIT has its 503.
                .filter(each -> !each.path().equals("/v1/increments"))
                .toList();
        try (EventStream only = new EventStream(server.uri(), "/v1/counters/shop/stock/events")) {
            only.await(1);
            proxy.refuse();
            proxy.cutAll();
            List<String> answers = Clients.atOnce(tried.size(), i -> {
                Tried each = tried.get(i);
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
