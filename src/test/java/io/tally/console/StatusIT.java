package io.tally.console;

import static org.assertj.core.api.Assertions.assertThat;

import io.tally.http.SessionCookies;
import io.tally.snapshot.SnapshotFixture;
import io.tally.testing.Clients;
import io.tally.testing.Database;
import io.tally.testing.Postgres;
import io.tally.testing.TallyClient;
import io.tally.testing.TallyClient.Answer;
import io.tally.testing.TallyServer;
import io.tally.testing.WireProxy;
import java.net.URI;
import java.time.Instant;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.Timeout;
import tools.jackson.databind.JsonNode;

/** The numbers of the console's first screen. */
@Tag("four-shards")
@Timeout(120)
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class StatusIT {

    private static final String ROOT = "root".repeat(8);
    private static final String STATUS = "/console/status";

    private Database database;
    private WireProxy proxy;
    private TallyServer server;
    private TallyClient root;

    @BeforeAll
    void start() throws Exception {
        database = Postgres.shared().createDatabase();
        proxy = new WireProxy("127.0.0.1", URI.create(database.url()).getPort());
        server = TallyServer.start(
                proxy.through(database),
                "tally.access.mode",
                "keys",
                "tally.access.root-key",
                ROOT,
                "tally.database.connect-timeout",
                "1s");
        root = new TallyClient(server.uri(), "Authorization", "Bearer " + ROOT);
    }

    @AfterAll
    void stop() {
        server.close();
        proxy.close();
    }

    private static JsonNode json(Answer status) {
        assertThat(status.status()).as(status.body()).isEqualTo(200);
        return status.json();
    }

    @Test
    void instanceTellsAboutItself() {
        JsonNode status = json(root.get(STATUS));
        assertThat(status.propertyNames())
                .containsExactly(
                        "instance",
                        "now",
                        "audit",
                        "auditIntervalSeconds",
                        "lanes",
                        "requests",
                        "startedAt",
                        "jobs",
                        "instances",
                        "lab",
                        "keys",
                        "shards",
                        "version");
        assertThat(status.path("instance").asString())
                .endsWith("/" + ProcessHandle.current().pid());
        assertThat(status.path("auditIntervalSeconds").asDouble()).isEqualTo(60);
        assertThat(Instant.parse(status.path("startedAt").asString())).isBefore(Instant.now());
        assertThat(status.path("lab").asBoolean()).isFalse();
        assertThat(status.path("keys").asBoolean()).isTrue();
        int shards = status.path("shards").asInt();
        assertThat(shards).isPositive();
        assertThat(status.path("lanes").size()).isGreaterThanOrEqualTo(2 * shards);
        JsonNode lane = status.path("lanes").path(0);
        assertThat(lane.path("name").asString()).isEqualTo("lane 0");
        assertThat(lane.path("queueMax").asInt()).isEqualTo(65_536);
        assertThat(lane.path("queued").isInt()).isTrue();
        assertThat(lane.path("batchAgeSeconds").isNumber()).isTrue();
        assertThat(json(new TallyClient(TallyServer.shared().uri()).get(STATUS))
                        .path("keys")
                        .asBoolean())
                .isFalse();
    }

    @Test
    void auditIsTheLastOne() throws Exception {
        Clients.await(
                "the first audit",
                Clients.PATIENCE,
                () -> json(root.get(STATUS)).path("audit").isObject());
        JsonNode audit = root.post("/v1/audits").json();
        assertThat(json(root.get(STATUS)).path("audit")).isEqualTo(audit);
    }

    @Test
    void operationsAreCounted() {
        JsonNode before = json(root.get(STATUS)).path("requests");
        root.increment("shop/counted", 1);
        root.send("POST", "/v1/increments", "[{\"namespace\":\"shop\",\"name\":\"counted\",\"delta\":1},1]");
        JsonNode after = json(root.get(STATUS)).path("requests");
        assertThat(after.path("handled").asLong())
                .isGreaterThanOrEqualTo(before.path("handled").asLong() + 2);
        assertThat(after.path("failed").asLong()).isZero();
    }

    @Test
    void numbersAreStringsOnRequest() {
        Answer strings = root.get(STATUS, "Prefer", "int64=string");
        assertThat(strings.header("Preference-Applied")).isEqualTo("int64=string");
        assertThat(strings.header("Cache-Control")).isEqualTo("no-store");
        assertThat(strings.json().path("requests").path("handled").isString()).isTrue();
        assertThat(root.get(STATUS).header("Vary")).isEqualTo("Prefer");
    }

    @Test
    void jobsAreThoseThatRun() throws Exception {
        String job = SnapshotFixture.insertRunning(database, "shop");
        JsonNode jobs = json(root.get(STATUS)).path("jobs");
        assertThat(jobs.size()).isEqualTo(1);
        assertThat(jobs.path(0).path("id").asString()).isEqualTo(job);
        assertThat(jobs.path(0).path("namespace").asString()).isEqualTo("shop");
        assertThat(jobs.path(0).path("state").asString()).isEqualTo("running");
        database.of("shop").execute("update job set state = 'done', finished_at = now()");
        assertThat(json(root.get(STATUS)).path("jobs").isEmpty()).isTrue();
    }

    @Test
    void instancesAreThoseThatWrite() throws Exception {
        root.increment("shop/written", 1);
        assertThat(json(root.get(STATUS)).path("instances").asInt()).isEqualTo(1);
        database.first().execute("insert into writer (id, lane, instance) values (5, 0, 'other/1'), (6, 1, 'other/1')");
        database.first()
                .execute("insert into writer (id, lane, instance, seen_at)"
                        + " values (7, 0, 'gone/1', now() - interval '5 minutes')");
        assertThat(json(root.get(STATUS)).path("instances").asInt()).isEqualTo(2);
        database.first().execute("delete from writer where id in (5, 6, 7)");
    }

    @Test
    void needsTheRightToReadEverywhere() {
        TallyClient anonymous = new TallyClient(server.uri());
        assertThat(anonymous.get(STATUS).status()).isEqualTo(401);
        // The gate takes these for public paths, whose callers have no grants.
        for (String other : new String[] {"/console/%73tatus", "/console/status;x"}) {
            assertThat(anonymous.get(other).status()).as(other).isEqualTo(403);
        }
        assertThat(caller("\"shop\",\"shop-*\"", "\"read\"").get(STATUS).status())
                .isEqualTo(403);
        assertThat(caller("\"*\"", "\"write\",\"manage\",\"admin\"").get(STATUS).status())
                .isEqualTo(403);
        Answer refused = caller("\"shop\"", "\"read\"").get(STATUS);
        assertThat(refused.problem()).isEqualTo("forbidden");
        assertThat(refused.json().path("action").asString()).isEqualTo("read");
        assertThat(caller("\"*\"", "\"read\"").get(STATUS).status()).isEqualTo(200);
        assertThat(anonymous
                        .get(STATUS, "Cookie", "tally-session=" + SessionCookies.value(ROOT))
                        .status())
                .isEqualTo(200);
    }

    private TallyClient caller(String namespaces, String actions) {
        Answer created = root.send(
                "POST",
                "/v1/keys",
                "{\"name\":\"n\",\"grants\":[{\"namespaces\":[%s],\"actions\":[%s]}]}".formatted(namespaces, actions));
        assertThat(created.status()).as(created.body()).isEqualTo(201);
        return new TallyClient(
                server.uri(),
                "Authorization",
                "Bearer " + created.json().path("key").asString());
    }

    @Test
    void answersWithoutTheDatabase() throws Exception {
        proxy.refuse();
        proxy.cutAll();
        try {
            JsonNode status = json(root.get(STATUS));
            assertThat(status.path("jobs").isNull()).isTrue();
            assertThat(status.path("instances").isNull()).isTrue();
            assertThat(status.path("lanes").isEmpty()).isFalse();
            root.increment("shop/away", 1);
            assertThat(json(root.get(STATUS)).path("requests").path("refused").asLong())
                    .isPositive();
        } finally {
            proxy.admit();
        }
        Clients.await(
                "the database",
                Clients.PATIENCE,
                () -> root.increment("shop/back", 1).status() == 200
                        && root.post("/v1/audits").status() == 200
                        && json(root.get(STATUS)).path("jobs").isArray());
    }
}
