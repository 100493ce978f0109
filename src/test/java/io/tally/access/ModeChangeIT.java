package io.tally.access;

import static org.assertj.core.api.Assertions.assertThat;

import io.tally.counter.IdempotencyKey;
import io.tally.testing.Database;
import io.tally.testing.Postgres;
import io.tally.testing.RawHttp;
import io.tally.testing.TallyClient;
import io.tally.testing.TallyClient.Answer;
import io.tally.testing.TallyServer;
import java.sql.SQLException;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Idempotency keys of requests that began on an instance in the mode open, on one in the mode keys. */
@Timeout(120)
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class ModeChangeIT {

    private static final String ROOT = "root".repeat(8);
    private static final int LINES = 1_000;
    private static final int LINES_BEFORE = 400;

    private Database database;
    private TallyServer open;
    private TallyServer closed;
    private TallyClient before;
    private TallyClient after;
    private String key = "";

    @BeforeAll
    void start() throws Exception {
        database = Postgres.shared().createDatabase();
        open = TallyServer.start(database, "tally.access.mode", "open", "tally.lab.enabled", "true");
        closed = TallyServer.start(
                database, "tally.access.mode", "keys", "tally.access.root-key", ROOT, "tally.lab.enabled", "true");
        before = new TallyClient(open.uri());
        after = new TallyClient(closed.uri());
        key = newKey();
    }

    @AfterAll
    void stop() {
        open.close();
        closed.close();
    }

    private String newKey() {
        Answer created = after.send(
                "POST",
                "/v1/keys",
                "{\"name\":\"shop\",\"grants\":[{\"namespaces\":[\"shop\"],\"actions\":[\"read\",\"write\"]}]}",
                "Authorization",
                "Bearer " + ROOT);
        assertThat(created.status()).isEqualTo(201);
        return created.json().path("key").asString();
    }

    private static String lines(String name, int from, int to) {
        return IntStream.range(from, to)
                .mapToObj(line -> "{\"namespace\":\"shop\",\"name\":\"" + name + "\",\"delta\":1}\n")
                .collect(Collectors.joining());
    }

    private static String[] fields(String token, String idempotencyKey) {
        return new String[] {"Authorization", "Bearer " + token, "Idempotency-Key", idempotencyKey};
    }

    private Answer upload(String name, String token, String idempotencyKey) {
        return after.send(
                "POST",
                "/v1/increments",
                lines(name, 0, LINES),
                "Authorization",
                "Bearer " + token,
                "Idempotency-Key",
                idempotencyKey,
                "Content-Type",
                "application/x-ndjson");
    }

    private long value(String name) {
        return after.get("/v1/counters/shop/" + name, "Authorization", "Bearer " + key)
                .json()
                .path("value")
                .asLong();
    }

    private long records(String scope, String idempotencyKey) throws SQLException {
        return database.sum(
                "select count(*) from idempotency_key where namespace = ? and starts_with(key, ?)",
                scope,
                idempotencyKey + "/");
    }

    /** A client that goes away in the middle of its upload. */
    private void cutUpload(String name, String idempotencyKey) throws Exception {
        String body = lines(name, 0, LINES_BEFORE);
        try (RawHttp connection = new RawHttp(open.uri())) {
            connection.send("POST /v1/increments HTTP/1.1\r\nHost: tally\r\nContent-Type: application/x-ndjson\r\n"
                    + "Idempotency-Key: " + idempotencyKey + "\r\nTransfer-Encoding: chunked\r\n\r\n"
                    + Integer.toHexString(body.length()) + "\r\n" + body + "\r\n");
            assertThat(connection.readHead().status()).isEqualTo(200);
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"upload-1", "upload/2", "~"})
    void eachLineOfAResumedUploadCountsOnce(String idempotencyKey) throws Exception {
        String name = "resumed-" + Integer.toHexString(idempotencyKey.hashCode());
        cutUpload(name, idempotencyKey);
        for (int i = 0; i < 2; i++) {
            Answer resumed = upload(name, key, idempotencyKey);
            assertThat(resumed.status()).isEqualTo(200);
            assertThat(resumed.body().lines()).hasSize(LINES);
            assertThat(value(name)).isEqualTo(LINES);
        }
        assertThat(records(IdempotencyKey.INCREMENTS, idempotencyKey)).isEqualTo(LINES);
    }

    @Test
    void anUploadThatBeginsNowIsItsCallersAlone() throws Exception {
        cutUpload("others", "upload-30");
        assertThat(upload("mine", key, "upload-3").status()).isEqualTo(200);
        assertThat(records(IdempotencyKey.INCREMENTS, "upload-3")).isZero();
        assertThat(records(IdempotencyKey.INCREMENTS + "/key:" + KeyFormat.id(key), "upload-3"))
                .isEqualTo(LINES);
        // Another caller with the same key, in an array this time.
        Answer other = after.send(
                "POST",
                "/v1/increments",
                "[{\"namespace\":\"shop\",\"name\":\"mine\",\"delta\":1}]",
                fields(newKey(), "upload-3"));
        assertThat(other.json().at("/0/value").asLong()).isEqualTo(LINES + 1);
    }

    @Test
    void aTransactionCountsOnce() {
        String body = "{\"increments\":[{\"namespace\":\"shop\",\"name\":\"sold\",\"delta\":2}]}";
        Answer first = before.send("POST", "/v1/transactions", body, "Idempotency-Key", "sale-1");
        Answer again = after.send("POST", "/v1/transactions", body, fields(key, "sale-1"));
        assertThat(again.status()).isEqualTo(200);
        assertThat(again.header("Idempotency-Replayed")).isEqualTo("true");
        assertThat(again.body()).isEqualTo(first.body());
        assertThat(value("sold")).isEqualTo(2);
        assertThat(after.send("POST", "/v1/transactions", body.replace("2", "3"), fields(key, "sale-1"))
                        .problem())
                .isEqualTo("idempotency-key-reused");
        // A key that is the begin of another one is no retry.
        assertThat(after.send("POST", "/v1/transactions", body, fields(key, "sale"))
                        .header("Idempotency-Replayed"))
                .isEmpty();
        assertThat(value("sold")).isEqualTo(4);
    }

    @Test
    void aRunOfTheLabStartsOnce() {
        String body = "{\"strategy\":\"atomic\",\"workers\":1,\"increments\":1}";
        Answer first = before.send("POST", "/v1/lab/runs", body, "Idempotency-Key", "run-1");
        assertThat(first.status()).isEqualTo(202);
        Answer again = after.send("POST", "/v1/lab/runs", body, fields(ROOT, "run-1"));
        assertThat(again.header("Idempotency-Replayed")).isEqualTo("true");
        assertThat(again.json().path("id")).isEqualTo(first.json().path("id"));
    }
}
