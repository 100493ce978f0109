package io.tally.access;

import static org.assertj.core.api.Assertions.assertThat;

import io.tally.snapshot.SnapshotFixture;
import io.tally.testing.Database;
import io.tally.testing.Postgres;
import io.tally.testing.RawHttp;
import io.tally.testing.TallyClient;
import io.tally.testing.TallyClient.Answer;
import io.tally.testing.TallyServer;
import java.io.IOException;
import java.time.Duration;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/** Streams of a key that is revoked on another instance. */
@Timeout(120)
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class StreamEndsIT {

    private static final String ROOT = "root".repeat(8);
    private static final Duration REVOKED_WITHIN = Duration.ofSeconds(5);
    private static final JsonMapper JSON = new JsonMapper();

    private TallyServer server;
    private TallyServer other;
    private TallyClient admin;
    private String job = "";

    @BeforeAll
    void start() throws Exception {
        Database database = Postgres.shared().createDatabase();
        server = start(database);
        other = start(database);
        admin = new TallyClient(other.uri(), "Authorization", "Bearer " + ROOT);
        assertThat(admin.increment("shop/a", 1).status()).isEqualTo(200);
        // Leased for an hour by none of these instances.
        job = SnapshotFixture.insertRunning(database, "shop");
    }

    private static TallyServer start(Database database) {
        return TallyServer.start(database, "tally.access.mode", "keys", "tally.access.root-key", ROOT);
    }

    @AfterAll
    void stop() {
        server.close();
        other.close();
    }

    private String newKey() {
        Answer created = admin.send(
                "POST",
                "/v1/keys",
                "{\"name\":\"streams\",\"grants\":[{\"namespaces\":[\"shop\"],\"actions\":[\"read\",\"write\"]}]}");
        assertThat(created.status()).isEqualTo(201);
        return created.json().path("key").asString();
    }

    private void revoke(String key) {
        assertThat(admin.send("DELETE", "/v1/keys/" + KeyFormat.id(key), "").status())
                .isEqualTo(204);
    }

    @ParameterizedTest
    @ValueSource(strings = {"/v1/counters/shop/a/events", "/v1/counters/shop/events?name=a&name=b", "/v1/jobs/"})
    void eventsEnd(String path) throws Exception {
        String key = newKey();
        String target = path.endsWith("/") ? path + job : path;
        try (RawHttp stream = new RawHttp(server.uri())) {
            stream.send("GET " + target + " HTTP/1.1\r\nHost: tally\r\nAccept: text/event-stream\r\n"
                    + "Authorization: Bearer " + key + "\r\n\r\n");
            assertThat(stream.readUntilEvent().body()).contains("data:");
            long begunNanos = System.nanoTime();
            revoke(key);
            assertThat(rest(stream)).doesNotContain("data:");
            assertThat(Duration.ofNanos(System.nanoTime() - begunNanos)).isLessThan(REVOKED_WITHIN);
        }
    }

    private static String rest(RawHttp stream) throws IOException {
        StringBuilder rest = new StringBuilder();
        for (String chunk = stream.readChunk(); !chunk.isEmpty(); chunk = stream.readChunk()) {
            rest.append(chunk);
        }
        return rest.toString();
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "/v1/increments | {\"namespace\":\"shop\",\"name\":\"a\",\"delta\":1}",
                "/v1/names/shop | \"a name\""
            })
    void uploadsEnd(String path, String line) throws Exception {
        String key = newKey();
        try (RawHttp upload = new RawHttp(server.uri())) {
            upload.send("POST " + path + " HTTP/1.1\r\nHost: tally\r\nContent-Type: application/x-ndjson\r\n"
                    + "Authorization: Bearer " + key + "\r\nTransfer-Encoding: chunked\r\n\r\n"
                    + Integer.toHexString(line.length() + 1) + "\r\n" + line + "\n\r\n");
            assertThat(upload.readHead().status()).isEqualTo(200);
            upload.readChunk();
            long begunNanos = System.nanoTime();
            revoke(key);
            JsonNode last = JSON.readTree(upload.readChunk());
            assertThat(Duration.ofNanos(System.nanoTime() - begunNanos)).isLessThan(REVOKED_WITHIN);
            assertThat(last.at("/problem/type").asString()).isEqualTo("/problems/stream-incomplete");
            assertThat(last.at("/problem/detail").asString()).isEqualTo("The credentials are no longer valid.");
        }
    }
}
