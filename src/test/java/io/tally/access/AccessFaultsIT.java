package io.tally.access;

import static org.assertj.core.api.Assertions.assertThat;

import io.tally.testing.Clients;
import io.tally.testing.Database;
import io.tally.testing.Postgres;
import io.tally.testing.TallyClient;
import io.tally.testing.TallyClient.Answer;
import io.tally.testing.TallyServer;
import io.tally.testing.WireProxy;
import java.net.URI;
import java.security.SecureRandom;
import java.time.Duration;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Access keys while the database is away. */
@Timeout(180)
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class AccessFaultsIT {

    private static final String ROOT = "root".repeat(8);

    private WireProxy proxy;
    private TallyServer server;
    private TallyClient client;
    private String known = "";

    @BeforeAll
    void start() throws Exception {
        Database database = Postgres.shared().createDatabase();
        proxy = new WireProxy("127.0.0.1", URI.create(database.url()).getPort());
        server = TallyServer.start(
                proxy.through(database),
                "tally.access.mode",
                "keys",
                "tally.access.root-key",
                ROOT,
                "tally.database.connect-timeout",
                "1s",
                "tally.pipeline.wait-max",
                "1s",
                "tally.pipeline.outcome-max",
                "1s");
        client = new TallyClient(server.uri());
        Answer created = client.send(
                "POST",
                "/v1/keys",
                "{\"name\":\"faults\",\"grants\":[{\"namespaces\":[\"shop\"],\"actions\":[\"read\",\"write\"]}]}",
                "Authorization",
                "Bearer " + ROOT);
        assertThat(created.status()).isEqualTo(201);
        known = created.json().path("key").asString();
    }

    @AfterEach
    void admit() throws Exception {
        proxy.admit();
        Clients.await("the database", Clients.PATIENCE, () -> increment(known).status() == 200);
    }

    @AfterAll
    void stop() {
        server.close();
        proxy.close();
    }

    private Answer caller(String key) {
        return client.get("/v1/caller", "Authorization", "Bearer " + key);
    }

    private Answer increment(String key) {
        return client.increment("shop/a", 1, "Authorization", "Bearer " + key);
    }

    private static String madeUp() {
        SecureRandom random = new SecureRandom();
        return KeyFormat.newKey(random, KeyFormat.newId(random));
    }

    private void cut() {
        proxy.refuse();
        proxy.cutAll();
    }

    @Test
    void knownKeysWorkAndOthersCannotBeChecked() {
        assertThat(caller(known).status()).isEqualTo(200);
        cut();
        assertThat(caller(known).status()).isEqualTo(200);
        assertThat(caller(ROOT).status()).isEqualTo(200);
        // The key is valid, and the counter cannot be written.
        assertThat(increment(known).problem()).isEqualTo("store-unavailable");
        Answer nowhere = client.get("/v1/nowhere", "Authorization", "Bearer " + madeUp());
        for (Answer refused : new Answer[] {caller(madeUp()), increment(madeUp()), nowhere}) {
            assertThat(refused.status()).isEqualTo(503);
            assertThat(refused.problem()).isEqualTo("store-unavailable");
            assertThat(refused.json().path("detail").asString())
                    .isEqualTo("The credentials cannot be checked. Nothing was applied.");
        }
    }

    /** Without the records under the shared scope, a retry might count twice. */
    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "/v1/increments   | application/json     | [%s]",
                "/v1/increments   | application/x-ndjson | %s",
                "/v1/transactions | application/json     | {\"increments\":[%s]}"
            })
    void requestsWithAKeyAcrossNamespacesWait(String path, String type, String body) throws Exception {
        String item = "{\"namespace\":\"shop\",\"name\":\"keyed\",\"delta\":1}";
        String idempotencyKey = Integer.toHexString((path + type).hashCode());
        String[] fields = {"Authorization", "Bearer " + known, "Idempotency-Key", idempotencyKey, "Content-Type", type};
        cut();
        Answer refused = client.send("POST", path, body.formatted(item), fields);
        assertThat(refused.status()).isEqualTo(503);
        assertThat(refused.problem()).isEqualTo("store-unavailable");
        assertThat(refused.header("Retry-After")).isEqualTo("1");
        proxy.admit();
        Clients.await(
                "the database",
                Clients.PATIENCE,
                () -> client.send("POST", path, body.formatted(item), fields).status() == 200);
    }

    /** After the last poll that succeeded, keys are trusted for a minute. */
    @Test
    @Tag("faults")
    void knownKeysAreNotTrustedForever() throws Exception {
        assertThat(caller(known).status()).isEqualTo(200);
        cut();
        long begun = System.nanoTime();
        Clients.await("no trust", Clients.PATIENCE, () -> {
            int status = caller(known).status();
            assertThat(status).isIn(200, 503);
            return status == 503;
        });
        assertThat(Duration.ofNanos(System.nanoTime() - begun))
                .isBetween(KnownKeys.TRUSTED_MAX.minusSeconds(5), KnownKeys.TRUSTED_MAX.plusSeconds(5));
        assertThat(caller(ROOT).status()).isEqualTo(200);
    }
}
