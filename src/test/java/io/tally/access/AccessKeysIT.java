package io.tally.access;

import static org.assertj.core.api.Assertions.assertThat;

import io.micrometer.core.instrument.MeterRegistry;
import io.tally.testing.Clients;
import io.tally.testing.Database;
import io.tally.testing.Postgres;
import io.tally.testing.TallyClient;
import io.tally.testing.TallyClient.Answer;
import io.tally.testing.TallyServer;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Access keys over HTTP, on two instances of one database. */
@Timeout(120)
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class AccessKeysIT {

    private static final String ROOT = "root-".repeat(8);
    private static final String OTHER_ROOT = "toor-".repeat(8);

    /** The contract of a revocation. */
    private static final Duration REVOKED_WITHIN = Duration.ofSeconds(5);

    private Database database;
    private TallyServer server;
    private TallyServer other;
    private TallyClient client;
    private TallyClient otherClient;

    @BeforeAll
    void start() throws Exception {
        database = Postgres.shared().createDatabase();
        server = start(database);
        other = start(database);
        client = new TallyClient(server.uri());
        otherClient = new TallyClient(other.uri());
    }

    private static TallyServer start(Database database) {
        return TallyServer.start(
                database,
                "tally.access.mode",
                "keys",
                "tally.access.root-key",
                ROOT + "," + OTHER_ROOT,
                "tally.access.keys-max",
                "60");
    }

    @AfterAll
    void stop() {
        server.close();
        other.close();
    }

    private static String[] bearer(String token) {
        return new String[] {"Authorization", "Bearer " + token};
    }

    private Answer create(String body) {
        return client.send("POST", "/v1/keys", body, bearer(ROOT));
    }

    private String newKey(String name, String namespace, String actions, String more) {
        Answer created = create("{\"name\":\"%s\",\"grants\":[{\"namespaces\":[\"%s\"],\"actions\":[%s]}]%s}"
                .formatted(name, namespace, actions, more));
        assertThat(created.status()).as(created.body()).isEqualTo(201);
        return created.json().path("key").asString();
    }

    private static double refusals(TallyServer server, String reason) {
        return server.bean(MeterRegistry.class)
                .get("tally.access.refused")
                .tag("reason", reason)
                .counter()
                .count();
    }

    private static String id(String key) {
        return String.valueOf(KeyFormat.id(key));
    }

    private static int increment(TallyClient client, String counter, String key) {
        return client.send("POST", "/v1/counters/" + counter + "/increments", "", bearer(key))
                .status();
    }

    /** Which the dispatcher handles. */
    private static int conditionalIncrement(TallyClient client, String counter, String key) {
        return client.send(
                        "POST",
                        "/v1/counters/" + counter + "/increments",
                        "",
                        "Authorization",
                        "Bearer " + key,
                        "If-None-Match",
                        "\"\"")
                .status();
    }

    // ---- namespaces with a tag

    @Test
    void aStarBehindTheColonStandsForAllNamespacesWithTheTag() {
        String key = newKey("tagged", "acme:*", "\"write\"", "");
        assertThat(increment(client, "acme:stock/a", key)).isEqualTo(200);
        assertThat(increment(client, "acme%3Asold/a", key)).isEqualTo(200);
        assertThat(increment(client, "acme/a", key)).isEqualTo(403);
        assertThat(increment(client, "acmes:stock/a", key)).isEqualTo(403);
    }

    // ---- credentials

    @Test
    void requestsNeedCredentials() {
        Answer refused = client.increment("shop/a", 1);
        assertThat(refused.status()).isEqualTo(401);
        assertThat(refused.problem()).isEqualTo("unauthenticated");
        assertThat(refused.header("WWW-Authenticate")).isEqualTo("Bearer realm=\"tally\"");
        assertThat(client.get("/v1/caller").status()).isEqualTo(401);
        assertThat(client.get("/v1/nowhere").status()).isEqualTo(401);
        assertThat(client.get("/readyz").status()).isEqualTo(200);
        assertThat(client.get("/problems/unauthenticated").status()).isEqualTo(200);
        assertThat(client.get("/openapi.json").status()).isEqualTo(200);
    }

    @Test
    void theManagementPortNeedsNone() {
        TallyClient management = new TallyClient(server.managementUri());
        assertThat(management.get("/actuator/health").status()).isEqualTo(200);
        assertThat(management.get("/actuator/prometheus").status()).isEqualTo(200);
        assertThat(management.get("/v1/keys").status()).isEqualTo(404);
    }

    @ParameterizedTest
    @ValueSource(
            strings = {"Basic YTpi", "Bearer", "Bearer ", "bearer x", "Bearer tly_x", "Bearer tly_x_y", "Bearer a b"})
    void otherCredentialsAreRefused(String value) {
        for (Answer refused : List.of(
                client.increment("shop/a", 1, "Authorization", value),
                client.get("/v1/counters/shop/a", "Authorization", value))) {
            assertThat(refused.status()).isEqualTo(401);
            assertThat(refused.header("WWW-Authenticate")).startsWith("Bearer realm=\"tally\"");
        }
    }

    @Test
    void aTokenThatIsRefusedIsInvalid() {
        assertThat(client.increment("shop/a", 1, bearer("x".repeat(40))).header("WWW-Authenticate"))
                .isEqualTo("Bearer realm=\"tally\", error=\"invalid_token\"");
    }

    @Test
    void eachRootKeyMayDoEverything() {
        for (String root : List.of(ROOT, OTHER_ROOT)) {
            assertThat(increment(client, "root/a", root)).isEqualTo(200);
            assertThat(client.send("POST", "/v1/audits", "", bearer(root)).status())
                    .isEqualTo(200);
            Answer caller = client.get("/v1/caller", bearer(root));
            assertThat(caller.json().path("caller").asString()).isEqualTo("root");
            assertThat(caller.json().at("/grants/0/actions")).hasSize(4);
        }
    }

    // ---- grants

    @Test
    void keyMayDoWhatItsGrantsSay() {
        String key = newKey("checkout", "shop*", "\"write\"", "");
        for (TallyClient each : List.of(client, otherClient)) {
            assertThat(increment(each, "shop/b", key)).isEqualTo(200);
            assertThat(increment(each, "shop-2/b", key)).isEqualTo(200);
            assertThat(conditionalIncrement(each, "shop/b", key)).isEqualTo(200);
            assertThat(increment(each, "bank/b", key)).isEqualTo(403);
            assertThat(conditionalIncrement(each, "bank/b", key)).isEqualTo(403);
            Answer refused = each.get("/v1/counters/shop/b", bearer(key));
            assertThat(refused.status()).isEqualTo(403);
            assertThat(refused.problem()).isEqualTo("forbidden");
            assertThat(refused.json().path("action").asString()).isEqualTo("read");
            assertThat(refusals(server, "forbidden") + refusals(other, "forbidden"))
                    .isPositive();
            assertThat(refused.json().path("namespace").asString()).isEqualTo("shop");
            assertThat(each.get("/v1/keys", bearer(key)).status()).isEqualTo(403);
            Answer caller = each.get("/v1/caller", bearer(key));
            assertThat(caller.json().path("caller").asString()).isEqualTo("key:checkout");
            assertThat(caller.json().path("grants"))
                    .hasToString("[{\"namespaces\":[\"shop*\"],\"actions\":[\"write\"]}]");
        }
    }

    /** An item of a foreign namespace is refused in its place; a transaction as a whole. */
    @Test
    void itemsOfForeignNamespacesAreRefused() {
        String key = newKey("bulk", "mine", "\"write\"", "");
        String items = "[{\"namespace\":\"mine\",\"name\":\"a\",\"delta\":1},"
                + "{\"namespace\":\"theirs\",\"name\":\"a\",\"delta\":1}]";
        double before = refusals(server, "forbidden");
        Answer array = client.send("POST", "/v1/increments", items, bearer(key));
        assertThat(array.status()).isEqualTo(200);
        assertThat(array.json().at("/0/value").asInt()).isOne();
        assertThat(array.json().at("/1/problem/type").asString()).isEqualTo("/problems/forbidden");
        assertThat(refusals(server, "forbidden") - before).isOne();
        Answer transaction = client.send("POST", "/v1/transactions", "{\"increments\":" + items + "}", bearer(key));
        assertThat(transaction.status()).isEqualTo(403);
        assertThat(refusals(server, "forbidden") - before).isEqualTo(2);
        assertThat(client.get("/v1/counters/mine/a", bearer(ROOT))
                        .json()
                        .path("value")
                        .asInt())
                .isOne();
        assertThat(client.get("/v1/counters/theirs/a", bearer(ROOT)).status()).isEqualTo(404);
    }

    /** Each line counts as a refusal, and a malformed one does not. */
    @ParameterizedTest
    @ValueSource(strings = {"", "return=minimal"})
    void linesOfForeignNamespacesAreRefused(String preference) {
        String key = newKey("lines", "mine", "\"write\"", "");
        String theirs = "{\"namespace\":\"theirs\",\"name\":\"a\",\"delta\":1}\n";
        String lines = theirs + "{\"namespace\":\"mine\",\"name\":\"line\",\"delta\":1}\n" + theirs
                + "{\"namespace\":\"theirs\"}\n" + theirs.repeat(2000);
        double before = refusals(server, "forbidden");
        Answer stream = client.send(
                "POST",
                "/v1/increments",
                lines,
                "Authorization",
                "Bearer " + key,
                "Content-Type",
                "application/x-ndjson",
                "Prefer",
                preference);
        assertThat(stream.status()).isEqualTo(200);
        assertThat(refusals(server, "forbidden") - before).isEqualTo(2002);
    }

    // ---- keys

    @Test
    void keyIsShownOnce() throws Exception {
        String key = newKey(
                "once", "a", "\"read\",\"write\"", ",\"perSecond\":7,\"expiresAt\":\"2030-01-01T00:00:00+01:00\"");
        Answer read = client.get("/v1/keys/" + id(key), bearer(ROOT));
        assertThat(read.status()).isEqualTo(200);
        assertThat(read.json().path("name").asString()).isEqualTo("once");
        assertThat(read.json().path("perSecond").asInt()).isEqualTo(7);
        assertThat(read.json().path("expiresAt").asString()).isEqualTo("2029-12-31T23:00:00Z");
        assertThat(read.json().path("revokedAt").isNull()).isTrue();
        assertThat(read.body()).doesNotContain(key.substring(20));
        assertThat(database.first()
                        .queryLong(
                                "select count(*) from access_key where access_key::text like '%' || ? || '%'",
                                key.substring(17)))
                .isZero();
    }

    @Test
    void listHasPages() {
        List<String> made = new ArrayList<>();
        for (int i = 0; i < 5; i++) {
            made.add(id(newKey("page-" + i, "a", "\"read\"", "")));
        }
        List<String> found = new ArrayList<>();
        String cursor = "";
        do {
            Answer page = client.get("/v1/keys?limit=2" + cursor, bearer(ROOT));
            assertThat(page.status()).isEqualTo(200);
            page.json().path("items").forEach(item -> found.add(item.path("id").asString()));
            cursor = page.json().path("next").isNull()
                    ? ""
                    : "&cursor=" + page.json().path("next").asString();
        } while (!cursor.isEmpty());
        assertThat(found).doesNotHaveDuplicates().containsSubsequence(made);
        assertThat(client.get("/v1/keys?cursor=x", bearer(ROOT)).status()).isEqualTo(400);
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "",
                "[]",
                "{}",
                "{'name':'a'}",
                "{'name':'a','grants':[]}",
                "{'name':'','grants':[{'namespaces':['a'],'actions':['read']}]}",
                "{'name':'a b','grants':[{'namespaces':['a'],'actions':['read']}]}",
                "{'name':'a','grants':[{'namespaces':['a']}]}",
                "{'name':'a','grants':[{'actions':['read']}]}",
                "{'name':'a','grants':[{'namespaces':[],'actions':['read']}]}",
                "{'name':'a','grants':[{'namespaces':['a'],'actions':['own']}]}",
                "{'name':'a','grants':[{'namespaces':['a*b'],'actions':['read']}]}",
                "{'name':'a','grants':[{'namespaces':['**'],'actions':['read']}]}",
                "{'name':'a','grants':[{'namespaces':['a:'],'actions':['read']}]}",
                "{'name':'a','grants':[{'namespaces':[':*'],'actions':['read']}]}",
                "{'name':'a','grants':[{'namespaces':['a:b:*'],'actions':['read']}]}",
                "{'name':'a','grants':[{'namespaces':['a/b'],'actions':['read']}]}",
                "{'name':'a','grants':[{'namespaces':['a'],'actions':['admin']}]}",
                "{'name':'a','grants':[{'namespaces':['a'],'actions':['read'],'x':1}]}",
                "{'name':'a','grants':[{'namespaces':['a'],'actions':['read']}],'perSecond':0}",
                "{'name':'a','grants':[{'namespaces':['a'],'actions':['read']}],'perSecond':1000001}",
                "{'name':'a','grants':[{'namespaces':['a'],'actions':['read']}],'expiresAt':'2020-01-01T00:00Z'}",
                "{'name':'a','grants':[{'namespaces':['a'],'actions':['read']}],'expiresAt':'2040-01-01T00:00Z'}",
                "{'name':'a','grants':[{'namespaces':['a'],'actions':['read']}],'expiresAt':'tomorrow'}",
                "{'name':'a','grants':[{'namespaces':['a'],'actions':['read']}],'x':1}"
            })
    void malformedKeysAreRefused(String body) {
        assertThat(create(body.replace('\'', '"')).status()).isEqualTo(400);
    }

    @Test
    void idempotencyKeysAreRefused() {
        String key = newKey("unkeyed", "a", "\"read\"", "");
        for (Answer refused : List.of(
                client.send("POST", "/v1/keys", "{}", "Authorization", "Bearer " + ROOT, "Idempotency-Key", "k"),
                client.send(
                        "POST",
                        "/v1/keys/" + id(key) + "/rotation",
                        "",
                        "Authorization",
                        "Bearer " + ROOT,
                        "Idempotency-Key",
                        "k"),
                client.send(
                        "DELETE",
                        "/v1/keys/" + id(key),
                        "",
                        "Authorization",
                        "Bearer " + ROOT,
                        "Idempotency-Key",
                        "k"))) {
            assertThat(refused.status()).isEqualTo(400);
            assertThat(refused.json().path("detail").asString()).contains("Idempotency-Key");
        }
    }

    @ParameterizedTest
    @CsvSource({"GET,", "DELETE,", "POST,/rotation"})
    void absentKeysAreNotFound(String method, String suffix) {
        for (String id : List.of("000000000000", "x", "%00", "%FF")) {
            assertThat(client.send(method, "/v1/keys/" + id + (suffix == null ? "" : suffix), "", bearer(ROOT))
                            .status())
                    .isIn(404, 400);
        }
    }

    // ---- revocation, expiry, rotation

    @Test
    void revokedKeyIsRefusedEverywhere() throws Exception {
        String key = newKey("revoked", "a", "\"write\"", "");
        assertThat(increment(client, "a/a", key)).isEqualTo(200);
        assertThat(increment(otherClient, "a/a", key)).isEqualTo(200);

        assertThat(client.send("DELETE", "/v1/keys/" + id(key), "", bearer(ROOT))
                        .status())
                .isEqualTo(204);
        assertThat(increment(client, "a/a", key)).isEqualTo(401);
        Clients.await("revoked on the other instance", REVOKED_WITHIN, () -> increment(otherClient, "a/a", key) == 401);
        assertThat(conditionalIncrement(otherClient, "a/a", key)).isEqualTo(401);

        assertThat(client.send("DELETE", "/v1/keys/" + id(key), "", bearer(ROOT))
                        .status())
                .isEqualTo(204);
        assertThat(client.send("POST", "/v1/keys/" + id(key) + "/rotation", "", bearer(ROOT))
                        .status())
                .isEqualTo(404);
        assertThat(client.get("/v1/keys/" + id(key), bearer(ROOT))
                        .json()
                        .path("revokedAt")
                        .isString())
                .isTrue();
    }

    @Test
    void expiredKeyIsRefused() throws Exception {
        Instant expiresAt = Instant.now().plusSeconds(2);
        String key = newKey("expiring", "a", "\"write\"", ",\"expiresAt\":\"" + expiresAt + "\"");
        assertThat(increment(otherClient, "a/b", key)).isEqualTo(200);
        Clients.await("expired", REVOKED_WITHIN, () -> increment(otherClient, "a/b", key) == 401);
        assertThat(Instant.now()).isAfterOrEqualTo(expiresAt);
        assertThat(otherClient
                        .get("/v1/caller", bearer(key))
                        .json()
                        .path("detail")
                        .asString())
                .isEqualTo("The credentials have expired.");
    }

    private String rotated(String key, String body) {
        Answer rotated = client.send("POST", "/v1/keys/" + id(key) + "/rotation", body, bearer(ROOT));
        assertThat(rotated.status()).as(rotated.body()).isEqualTo(201);
        assertThat(rotated.json().path("id").asString()).isEqualTo(id(key));
        return rotated.json().path("key").asString();
    }

    @Test
    void rotatedKeyWorksForTheGrace() throws Exception {
        String first = newKey("rotated", "a", "\"write\"", "");
        assertThat(increment(otherClient, "a/c", first)).isEqualTo(200);
        String second = rotated(first, "{\"graceSeconds\":3600}");
        // At once, and on the other instance as well.
        assertThat(increment(otherClient, "a/c", second)).isEqualTo(200);
        assertThat(increment(otherClient, "a/c", first)).isEqualTo(200);

        String third = rotated(second, "{\"graceSeconds\":1}");
        assertThat(increment(client, "a/c", first)).isEqualTo(401);
        assertThat(increment(client, "a/c", third)).isEqualTo(200);
        Clients.await("the end of the grace", REVOKED_WITHIN, () -> increment(otherClient, "a/c", second) == 401);
        assertThat(increment(otherClient, "a/c", third)).isEqualTo(200);

        String fourth = rotated(third, "{\"graceSeconds\":0}");
        assertThat(increment(client, "a/c", third)).isEqualTo(401);
        assertThat(increment(otherClient, "a/c", fourth)).isEqualTo(200);
        String fifth = rotated(fourth, "");
        assertThat(increment(client, "a/c", fourth)).isEqualTo(200);
        assertThat(increment(client, "a/c", fifth)).isEqualTo(200);
        for (String malformed : List.of("{\"graceSeconds\":-1}", "{\"graceSeconds\":2592001}", "{\"grace\":1}", "[]")) {
            assertThat(client.send("POST", "/v1/keys/" + id(first) + "/rotation", malformed, bearer(ROOT))
                            .status())
                    .isEqualTo(400);
        }
    }

    @Test
    void lastUseIsStored() {
        String key = newKey("used", "a", "\"write\"", "");
        assertThat(increment(client, "a/d", key)).isEqualTo(200);
        server.bean(KeyPolls.class).writeUses().block();
        Answer read = client.get("/v1/keys/" + id(key), bearer(ROOT));
        assertThat(Instant.parse(read.json().path("lastUsedAt").asString()))
                .isBetween(Instant.now().minusSeconds(60), Instant.now().plusSeconds(1));
    }

    // ---- rate limits

    @Test
    void rateOfAKeyIsLimited() throws Exception {
        String key = newKey("limited", "a", "\"read\",\"write\"", ",\"perSecond\":3");
        List<Answer> answers = new ArrayList<>();
        for (int i = 0; i < 20; i++) {
            answers.add(
                    i % 2 == 0
                            ? client.send("POST", "/v1/counters/a/e/increments", "", bearer(key))
                            : client.get("/v1/caller", bearer(key)));
        }
        assertThat(answers.getFirst().status()).isEqualTo(200);
        assertThat(answers).allSatisfy(answer -> {
            assertThat(answer.status()).isIn(200, 429);
            assertThat(answer.header("RateLimit-Policy")).isEqualTo("\"key\";q=3;w=1");
            assertThat(answer.header("RateLimit")).matches("\"key\";r=[0-2];t=1");
        });
        Answer refused = answers.stream()
                .filter(answer -> answer.status() == 429)
                .findFirst()
                .orElseThrow();
        assertThat(refused.problem()).isEqualTo("rate-limited");
        assertThat(refused.header("Retry-After")).isEqualTo("1");
        Clients.await(
                "a limit where no route is",
                REVOKED_WITHIN,
                () -> client.get("/v1/nowhere", bearer(key)).status() == 429);
        Clients.await("the next second", REVOKED_WITHIN, () -> increment(client, "a/e", key) == 200);
    }

    // ---- the number of keys

    @Test
    void revokedKeysMakeRoom() throws Exception {
        try (TallyServer small = TallyServer.start(
                Postgres.shared().createDatabase(),
                "tally.access.mode",
                "keys",
                "tally.access.root-key",
                ROOT,
                "tally.access.keys-max",
                "2")) {
            TallyClient admin = new TallyClient(small.uri());
            String body = "{\"name\":\"a\",\"grants\":[{\"namespaces\":[\"*\"],\"actions\":[\"admin\"]}]}";
            Answer first = admin.send("POST", "/v1/keys", body, bearer(ROOT));
            String key = first.json().path("key").asString();
            assertThat(admin.send("POST", "/v1/keys", body, bearer(key)).status())
                    .isEqualTo(201);
            Answer refused = admin.send("POST", "/v1/keys", body, bearer(key));
            assertThat(refused.status()).isEqualTo(409);
            assertThat(refused.problem()).isEqualTo("too-many-keys");
            assertThat(admin.send("DELETE", "/v1/keys/" + id(key), "", bearer(key))
                            .status())
                    .isEqualTo(204);
            assertThat(admin.send("POST", "/v1/keys", body, bearer(ROOT)).status())
                    .isEqualTo(201);
            assertThat(admin.get("/v1/keys/" + id(key), bearer(ROOT)).status()).isEqualTo(404);
        }
    }
}
