package io.tally.access;

import static org.assertj.core.api.Assertions.assertThat;

import io.tally.http.Action;
import io.tally.snapshot.SnapshotFixture;
import io.tally.testing.ApiOperation;
import io.tally.testing.Database;
import io.tally.testing.Postgres;
import io.tally.testing.RawHttp;
import io.tally.testing.RawHttp.Response;
import io.tally.testing.TallyClient;
import io.tally.testing.TallyClient.Answer;
import io.tally.testing.TallyServer;
import java.io.IOException;
import java.security.SecureRandom;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.Random;
import java.util.function.Predicate;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * Every operation of the OpenAPI file with every kind of credentials. An increment is sent twice: the direct way
 * handles the one, the dispatcher the other. An operation without a row in the table fails.
 */
@Tag("four-shards")
@Timeout(180)
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class AccessTableIT {

    private static final String ROOT = "root".repeat(8);
    private static final String NAMESPACE = "shop";
    private static final int MUTATIONS = 10_000;

    /** The place of the namespace in a request, and so the refusal of a foreign one. */
    private enum Place {
        PATH,
        /** An item of a foreign namespace is refused in its place. */
        ITEMS,
        /** A foreign namespace refuses the whole request. */
        BODY,
        /** What a foreign namespace has is not found. */
        FOUND,
        /** What a foreign namespace has is not in the list. */
        LISTED,
        NONE
    }

    /** What an operation needs. */
    private record Row(Action action, Place place) {}

    private static final Map<String, Row> TABLE = Map.ofEntries(
            Map.entry("getCounter", new Row(Action.READ, Place.PATH)),
            Map.entry("getOrCreateCounter", new Row(Action.WRITE, Place.PATH)),
            Map.entry("updateCounter", new Row(Action.MANAGE, Place.PATH)),
            Map.entry("deleteCounter", new Row(Action.MANAGE, Place.PATH)),
            Map.entry("incrementCounter", new Row(Action.WRITE, Place.PATH)),
            Map.entry("watchCounter", new Row(Action.READ, Place.PATH)),
            Map.entry("watchCounters", new Row(Action.READ, Place.PATH)),
            Map.entry("listCounters", new Row(Action.READ, Place.PATH)),
            Map.entry("listNamespaces", new Row(Action.READ, Place.LISTED)),
            Map.entry("listPeriods", new Row(Action.READ, Place.PATH)),
            Map.entry("incrementCounters", new Row(Action.WRITE, Place.ITEMS)),
            Map.entry("applyTransaction", new Row(Action.WRITE, Place.BODY)),
            Map.entry("listMembers", new Row(Action.READ, Place.PATH)),
            Map.entry("getMember", new Row(Action.READ, Place.PATH)),
            Map.entry("addMember", new Row(Action.WRITE, Place.PATH)),
            Map.entry("removeMember", new Row(Action.WRITE, Place.PATH)),
            Map.entry("getOrCreateNames", new Row(Action.WRITE, Place.PATH)),
            Map.entry("findName", new Row(Action.READ, Place.PATH)),
            Map.entry("getName", new Row(Action.READ, Place.PATH)),
            Map.entry("issueToken", new Row(Action.WRITE, Place.PATH)),
            Map.entry("executeToken", new Row(Action.WRITE, Place.PATH)),
            Map.entry("startSnapshot", new Row(Action.MANAGE, Place.PATH)),
            Map.entry("getJob", new Row(Action.READ, Place.FOUND)),
            Map.entry("runAudit", new Row(Action.ADMIN, Place.NONE)),
            Map.entry("startLabRun", new Row(Action.ADMIN, Place.NONE)),
            Map.entry("listLabRuns", new Row(Action.ADMIN, Place.NONE)),
            Map.entry("getLabRun", new Row(Action.ADMIN, Place.NONE)),
            Map.entry("stopLabRun", new Row(Action.ADMIN, Place.NONE)),
            Map.entry("createKey", new Row(Action.ADMIN, Place.NONE)),
            Map.entry("listKeys", new Row(Action.ADMIN, Place.NONE)),
            Map.entry("getKey", new Row(Action.ADMIN, Place.NONE)),
            Map.entry("revokeKey", new Row(Action.ADMIN, Place.NONE)),
            Map.entry("rotateKey", new Row(Action.ADMIN, Place.NONE)));

    /** Operations that need valid credentials, but no grant. */
    private static final List<String> OF_ANY_CALLER = List.of("getCaller");

    private static final List<String> PUBLIC = List.of(
            "getLiveness",
            "getReadiness",
            "getProblemPage",
            "getOpenApiYaml",
            "getOpenApiJson",
            "getDocs",
            "getDocsFile");

    private Database database;
    private TallyServer server;
    private TallyClient admin;
    private String everything = "";
    private String expired = "";
    private String revoked = "";
    private String elsewhere = "";
    private String limited = "";
    private String job = "";
    private final Map<Action, String> others = new EnumMap<>(Action.class);
    private final Map<Action, String> own = new EnumMap<>(Action.class);

    @BeforeAll
    void start() throws Exception {
        database = Postgres.shared().createDatabase();
        server = TallyServer.start(
                database, "tally.access.mode", "keys", "tally.access.root-key", ROOT, "tally.lab.enabled", "true");
        admin = new TallyClient(server.uri(), "Authorization", "Bearer " + ROOT);
        everything = key("*", Action.values(), "");
        expired = key("*", Action.values(), "");
        database.first().execute("update access_key set expires_at = now() where id = ?", id(expired));
        database.first().execute("update access_generation set generation = generation + 1");
        revoked = key("*", Action.values(), "");
        elsewhere = key("elsewhere", new Action[] {Action.READ, Action.WRITE, Action.MANAGE}, ",\"perSecond\":100000");
        limited = key("*", Action.values(), ",\"perSecond\":1");
        assertThat(admin.send("DELETE", "/v1/keys/" + id(revoked), "").status()).isEqualTo(204);
        job = SnapshotFixture.insertDone(database, NAMESPACE);
    }

    @AfterAll
    void stop() {
        server.close();
    }

    private static String id(String key) {
        return String.valueOf(KeyFormat.id(key));
    }

    private String key(String namespace, Action[] actions, String more) {
        String labels = Arrays.stream(actions)
                .map(action -> "\"" + action.label() + "\"")
                .collect(Collectors.joining(","));
        Answer created = admin.send(
                "POST",
                "/v1/keys",
                "{\"name\":\"table\",\"grants\":[{\"namespaces\":[\"%s\"],\"actions\":[%s]}]%s}"
                        .formatted(namespace, labels, more));
        assertThat(created.status()).as(created.body()).isEqualTo(201);
        return created.json().path("key").asString();
    }

    /** The key of a caller that may do in the namespace what the predicate says. */
    private String keyWith(Predicate<Action> granted) {
        Action[] actions = Arrays.stream(Action.values()).filter(granted).toArray(Action[]::new);
        return key(Arrays.asList(actions).contains(Action.ADMIN) ? "*" : NAMESPACE, actions, "");
    }

    // ---- the table

    @Test
    void everyOperationHasItsRow() {
        assertThat(ApiOperation.all().map(ApiOperation::toString))
                .containsExactlyInAnyOrderElementsOf(Stream.of(TABLE.keySet(), OF_ANY_CALLER, PUBLIC)
                        .flatMap(ids -> ids.stream())
                        .toList());
        assertThat(ApiOperation.all().filter(each -> !each.needsCredentials()).map(ApiOperation::toString))
                .containsExactlyInAnyOrderElementsOf(PUBLIC);
    }

    static Stream<ApiOperation> closed() {
        return ApiOperation.all().filter(each -> !PUBLIC.contains(each.toString()));
    }

    static Stream<ApiOperation> open() {
        return ApiOperation.all().filter(each -> PUBLIC.contains(each.toString()));
    }

    static Stream<ApiOperation> granted() {
        return ApiOperation.all().filter(each -> TABLE.containsKey(each.toString()));
    }

    private static Row row(ApiOperation operation) {
        return Objects.requireNonNull(TABLE.get(operation.toString()));
    }

    private static List<String> ways(ApiOperation operation) {
        return operation.toString().equals("incrementCounter") ? List.of("", "If-None-Match: \"\"\r\n") : List.of("");
    }

    /** The status and the header fields of each way. */
    private List<Response> send(ApiOperation operation, String authorization) throws IOException {
        List<Response> responses = new ArrayList<>();
        for (String way : ways(operation)) {
            String body = switch (operation.toString()) {
                case "incrementCounters" -> "[{\"namespace\":\"shop\",\"name\":\"items\",\"delta\":1}]";
                case "applyTransaction" -> "{\"increments\":[{\"namespace\":\"shop\",\"name\":\"body\",\"delta\":1}]}";
                default -> "";
            };
            String accept = operation.path().endsWith("/events") ? "Accept: text/event-stream\r\n" : "";
            String content =
                    body.isEmpty() ? "" : "Content-Type: application/json\r\nContent-Length: " + body.length() + "\r\n";
            try (RawHttp connection = new RawHttp(server.uri())) {
                connection.send(operation.method() + " " + target(operation) + " HTTP/1.1\r\nHost: tally\r\n"
                        + authorization + way + accept + content + "\r\n" + body);
                Response head = connection.readHead();
                responses.add(head);
            }
        }
        return responses;
    }

    private String target(ApiOperation operation) {
        return operation.target(Map.of("namespace", NAMESPACE, "id", id(operation)));
    }

    private String id(ApiOperation operation) {
        if (operation.path().startsWith("/v1/names")) {
            return "1";
        }
        return operation.path().contains("/keys/") ? "0".repeat(KeyFormat.ID_LENGTH) : job;
    }

    private static String bearer(String key) {
        return "Authorization: Bearer " + key + "\r\n";
    }

    private void assertStatus(ApiOperation operation, String authorization, int status) throws IOException {
        assertThat(send(operation, authorization)).allSatisfy(response -> {
            assertThat(response.status()).as(operation + " " + authorization).isEqualTo(status);
            if (status == 401) {
                assertThat(response.header("WWW-Authenticate")).startsWith("Bearer realm=\"tally\"");
            }
            if (authorization.equals(bearer(elsewhere))) {
                assertThat(response.header("RateLimit-Policy")).isEqualTo("\"key\";q=100000;w=1");
                assertThat(response.header("RateLimit")).startsWith("\"key\";r=");
            }
        });
    }

    @ParameterizedTest
    @MethodSource("closed")
    void invalidCredentialsAreRefused(ApiOperation operation) throws IOException {
        SecureRandom random = new SecureRandom();
        String unknown = KeyFormat.newKey(random, KeyFormat.newId(random));
        String otherSecret = KeyFormat.newKey(random, id(everything));
        for (String authorization : List.of(
                "",
                "Authorization: Basic dGFsbHk6dGFsbHk=\r\n",
                bearer("malformed"),
                bearer(everything.substring(1)),
                bearer(everything) + bearer(everything),
                bearer(unknown),
                bearer(otherSecret),
                bearer(expired),
                bearer(revoked))) {
            assertStatus(operation, authorization, 401);
        }
    }

    @ParameterizedTest
    @MethodSource("open")
    void publicOperationsNeedNoCredentials(ApiOperation operation) throws IOException {
        for (String authorization : List.of("", bearer("malformed"), bearer(revoked))) {
            assertThat(send(operation, authorization).getFirst().status()).isLessThan(400);
        }
    }

    @ParameterizedTest
    @MethodSource("granted")
    void foreignNamespaceIsRefused(ApiOperation operation) throws IOException {
        switch (row(operation).place()) {
            case PATH, BODY, NONE -> assertStatus(operation, bearer(elsewhere), 403);
            case FOUND -> assertStatus(operation, bearer(elsewhere), 404);
            case ITEMS, LISTED -> assertStatus(operation, bearer(elsewhere), 200);
        }
        assertThat(admin.get("/v1/counters/shop/items").status()).isEqualTo(404);
        assertThat(admin.get("/v1/counters/shop/body").status()).isEqualTo(404);
    }

    @ParameterizedTest
    @MethodSource("granted")
    void otherActionsDoNotSuffice(ApiOperation operation) throws IOException {
        assertStatus(operation, bearer(others(row(operation).action())), 403);
    }

    /** A dry run needs another action than what it tries, by each way. */
    @Test
    void dryRunsNeedTheRightToRead() throws IOException {
        String increment = "{\"delta\":1,\"dryRun\":true}";
        String item = "{\"namespace\":\"shop\",\"name\":\"dry\",\"delta\":1}";
        String transaction = "{\"increments\":[" + item + "],\"dryRun\":true}";
        for (String fields : List.of("", "If-None-Match: \"\"\r\n")) {
            assertDryRun("/v1/counters/shop/dry/increments", fields, increment);
        }
        assertDryRun("/v1/transactions", "", transaction);
        assertThat(admin.get("/v1/counters/shop/dry").status()).isEqualTo(404);
    }

    private void assertDryRun(String path, String fields, String body) throws IOException {
        assertThat(post(path, bearer(own(Action.READ)) + fields, body).status()).isEqualTo(200);
        for (String key : List.of(others(Action.READ), elsewhere)) {
            Response refused = post(path, bearer(key) + fields, body);
            assertThat(refused.problem()).isEqualTo("forbidden");
            assertThat(refused.json().path("namespace").asString()).isEqualTo(NAMESPACE);
        }
        assertThat(post(path, bearer(others(Action.READ)) + fields, body)
                        .json()
                        .path("action")
                        .asString())
                .isEqualTo("read");
        Response real = post(path, bearer(own(Action.READ)) + fields, body.replace("true", "false"));
        assertThat(real.json().path("action").asString()).isEqualTo("write");
    }

    private Response post(String path, String fields, String body) throws IOException {
        return RawHttp.exchange(
                server.uri(),
                "POST " + path + " HTTP/1.1\r\nHost: tally\r\n" + fields
                        + "Content-Type: application/json\r\nContent-Length: " + body.length() + "\r\n\r\n" + body);
    }

    private String others(Action action) {
        return others.computeIfAbsent(action, each -> keyWith(granted -> granted != each));
    }

    private String own(Action action) {
        return own.computeIfAbsent(action, each -> keyWith(granted -> granted == each));
    }

    @ParameterizedTest
    @MethodSource("granted")
    void theActionSuffices(ApiOperation operation) throws IOException {
        assertThat(send(operation, bearer(own(row(operation).action()))))
                .allSatisfy(response -> assertThat(response.status()).isNotIn(401, 403, 429, 500, 503));
        // What the request wrote is none of the others.
        for (String counter : List.of("items", "body")) {
            admin.send("DELETE", "/v1/counters/shop/" + counter, "");
        }
    }

    @ParameterizedTest
    @MethodSource("closed")
    void rateIsLimited(ApiOperation operation) throws IOException {
        // Two requests take less than a second, unless the machine pauses.
        Optional<Response> refused = Optional.empty();
        while (refused.isEmpty()) {
            List<Response> responses = new ArrayList<>(send(operation, bearer(limited)));
            responses.addAll(send(operation, bearer(limited)));
            assertThat(responses)
                    .allSatisfy(
                            response -> assertThat(response.headers()).containsKeys("RateLimit", "RateLimit-Policy"));
            refused = responses.stream()
                    .filter(response -> response.status() == 429)
                    .findFirst();
        }
        assertThat(refused.get().header("Retry-After")).isEqualTo("1");
    }

    // ---- mutations

    @Test
    void mutatedCredentialsAreRefused() throws IOException {
        Random random = new Random(20);
        RawHttp connection = new RawHttp(server.uri());
        try {
            for (int i = 0; i < MUTATIONS; i++) {
                String value = mutated("Bearer " + everything, random);
                if (value.strip().replaceFirst("(?i)^bearer +", "").equals(everything)) {
                    continue;
                }
                String request = i % 2 == 0 ? "POST /v1/counters/shop/a/increments" : "GET /v1/counters/shop/a";
                connection.send(request + " HTTP/1.1\r\nHost: tally\r\nAuthorization: " + value + "\r\n\r\n");
                Response refused = connection.read();
                assertThat(refused.status()).as(value).isIn(400, 401);
                assertThat(refused.body()).doesNotContain(everything.substring(17));
                if (refused.status() == 400) {
                    connection.close();
                    connection = new RawHttp(server.uri());
                }
            }
        } finally {
            connection.close();
        }
        assertThat(admin.get("/v1/counters/shop/a").status()).isEqualTo(404);
    }

    private static String mutated(String value, Random random) {
        StringBuilder text = new StringBuilder(value);
        for (int changes = 1 + random.nextInt(3); changes > 0 && !text.isEmpty(); changes--) {
            int at = random.nextInt(text.length());
            switch (random.nextInt(7)) {
                case 0 -> text.setCharAt(at, character(random));
                case 1 -> text.deleteCharAt(at);
                case 2 -> text.insert(at, character(random));
                case 3 -> text.setLength(Math.max(at, 1));
                case 4 -> text.append(text.substring(at));
                case 5 -> text.setCharAt(at, (char) (text.charAt(at) ^ 0x20));
                default -> text.insert(at, text.substring(at / 2, at));
            }
        }
        return text.toString();
    }

    /** A character that does not end the field. */
    private static char character(Random random) {
        char c = (char) random.nextInt(0x100);
        return c == '\r' || c == '\n' ? ' ' : c;
    }
}
