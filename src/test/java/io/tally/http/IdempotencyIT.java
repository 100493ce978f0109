package io.tally.http;

import static org.assertj.core.api.Assertions.assertThat;

import io.tally.testing.Clients;
import io.tally.testing.Database;
import io.tally.testing.Postgres;
import io.tally.testing.RawHttp;
import io.tally.testing.TallyClient;
import io.tally.testing.TallyClient.Answer;
import io.tally.testing.TallyServer;
import java.io.IOException;
import java.sql.SQLException;
import java.util.List;
import java.util.UUID;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Idempotency keys, on two instances of one database. */
@Tag("four-shards")
@Timeout(300)
class IdempotencyIT {

    private static final String KEY = "Idempotency-Key";
    private static final String REPLAYED = "Idempotency-Replayed";
    private static final int RACERS = 32;

    private static TallyServer one;
    private static TallyServer other;
    private static TallyClient client;
    private static TallyClient otherClient;

    @BeforeAll
    static void start() throws SQLException {
        one = TallyServer.shared();
        other = TallyServer.sharedOther();
        client = new TallyClient(one.uri());
        otherClient = new TallyClient(other.uri());
    }

    @AfterEach
    void booksBalance() {
        client.requireBalancedBooks();
    }

    private static String fresh() {
        return "keys/" + UUID.randomUUID();
    }

    private static void isReplayOf(Answer first, Answer again) {
        assertThat(first.header(REPLAYED)).isEmpty();
        assertThat(again.header(REPLAYED)).isEqualTo("true");
        assertThat(again.status()).isEqualTo(first.status());
        assertThat(again.body()).isEqualTo(first.body());
        assertThat(again.header("ETag")).isEqualTo(first.header("ETag"));
    }

    /** A namespace has one set of keys for all kinds of requests. */
    @Test
    void aKeyOfATokenIsNoKeyForACounterNorTheOtherWayRound() {
        String key = UUID.randomUUID().toString();
        assertThat(client.send("POST", "/v1/tokens/keys", "", KEY, key).status())
                .isEqualTo(201);
        assertThat(otherClient.increment(fresh(), 1, KEY, key).problem()).isEqualTo("idempotency-key-reused");
        String bounded = fresh();
        client.put(bounded, "{\"max\":5}");
        assertThat(client.increment(bounded, 1, KEY, key).problem()).isEqualTo("idempotency-key-reused");

        String counters = UUID.randomUUID().toString();
        client.increment(bounded, 1, KEY, counters);
        assertThat(client.send("POST", "/v1/tokens/keys", "", KEY, counters).problem())
                .isEqualTo("idempotency-key-reused");
        assertThat(client.send("POST", "/v1/snapshots/keys", "", KEY, counters).problem())
                .isEqualTo("idempotency-key-reused");
        assertThat(client.value(bounded)).isEqualTo(1);
    }

    @Test
    void anIncrementIsReplayedAfterTheCounterMovedOn() {
        String counter = fresh();
        Answer first = client.increment(counter, 5, KEY, counter);
        client.increment(counter, 1);
        Answer again = otherClient.increment(counter, 5, KEY, counter);

        isReplayOf(first, again);
        assertThat(again.json().path("value").asLong()).isEqualTo(5);
        assertThat(client.value(counter)).isEqualTo(6);
    }

    @Test
    void anIncrementIsReplayedAfterTheCounterIsGone() {
        String counter = fresh();
        Answer first = client.increment(counter, 5, KEY, counter);
        client.send("DELETE", "/v1/counters/" + counter, "");

        isReplayOf(first, client.increment(counter, 5, KEY, counter));
        assertThat(client.get("/v1/counters/" + counter).status()).isEqualTo(404);
    }

    @Test
    void anIncrementOfABoundedCounterIsReplayed() {
        String counter = fresh();
        client.put(counter, "{\"max\":10}");
        Answer first = client.increment(counter, 10, KEY, counter);

        isReplayOf(first, client.increment(counter, 10, KEY, counter));
        isReplayOf(first, otherClient.increment(counter, 10, KEY, counter));
    }

    @Test
    void aPatchAndADeletionAreReplayed() {
        String counter = fresh();
        String path = "/v1/counters/" + counter;
        client.put(counter, "{\"initial\":3,\"min\":0}");
        Answer patched =
                client.send("PATCH", path, "{\"value\":8,\"min\":null}", "If-Match", "\"1\"", KEY, "p" + counter);
        assertThat(patched.status()).isEqualTo(200);
        isReplayOf(
                patched,
                client.send("PATCH", path, "{\"min\":null, \"value\":8}", "If-Match", "\"1\"", KEY, "p" + counter));

        Answer deleted = client.send("DELETE", path, "", KEY, "d" + counter);
        assertThat(deleted.status()).isEqualTo(204);
        client.increment(counter, 1);
        isReplayOf(deleted, otherClient.send("DELETE", path, "", KEY, "d" + counter));
        assertThat(client.value(counter)).isEqualTo(1);
    }

    @Test
    void anotherSpellingIsTheSameRequest() {
        String counter = fresh();
        String path = "/v1/counters/" + counter + "/increments";
        Answer first = client.send("POST", path, "", KEY, "abc-" + counter);

        isReplayOf(first, client.send("POST", path, "{ \"delta\" : 1 }", KEY, "\"abc-" + counter + "\""));
        isReplayOf(first, client.send("POST", path.replace("keys", "%6beys"), "{}", KEY, "abc-" + counter));
    }

    @Test
    void anotherRequestUnderTheKeyIsRefused() {
        String counter = fresh();
        client.increment(counter, 1, KEY, counter);

        List.of(
                        client.increment(counter, 2, KEY, counter),
                        client.increment(fresh(), 1, KEY, counter),
                        client.send("DELETE", "/v1/counters/" + counter, "", KEY, counter),
                        otherClient.send(
                                "PATCH", "/v1/counters/" + counter, "{\"value\":1}", "If-Match", "*", KEY, counter))
                .forEach(answer -> {
                    assertThat(answer.status()).isEqualTo(422);
                    assertThat(answer.problem()).isEqualTo("idempotency-key-reused");
                });
        assertThat(client.value(counter)).isEqualTo(1);
    }

    @Test
    void aKeyBelongsToItsNamespace() {
        String key = UUID.randomUUID().toString();

        assertThat(client.increment("keys-a/x", 1, KEY, key).header(REPLAYED)).isEmpty();
        assertThat(client.increment("keys-b/x", 2, KEY, key).header(REPLAYED)).isEmpty();
        String transaction = "{\"increments\":[{\"namespace\":\"keys-a\",\"name\":\"x\",\"delta\":1}]}";
        Answer first = client.send("POST", "/v1/transactions", transaction, KEY, key);
        assertThat(first.status()).isEqualTo(200);
        isReplayOf(first, client.send("POST", "/v1/transactions", transaction, KEY, key));
    }

    @Test
    void aRefusalIsNotKept() {
        String counter = fresh();
        client.put(counter, "{\"max\":3}");
        assertThat(client.increment(counter, 5, KEY, counter).status()).isEqualTo(409);
        client.send("PATCH", "/v1/counters/" + counter, "{\"max\":null}", "If-Match", "*");

        Answer first = client.increment(counter, 5, KEY, counter);
        assertThat(first.json().path("value").asLong()).isEqualTo(5);
        isReplayOf(first, client.increment(counter, 5, KEY, counter));
    }

    @ParameterizedTest
    @ValueSource(strings = {"", "\"\"", "\"", "\"open", "open\" and on", "\"a\"b\"", "a b", "\"a b\"", "\"a\\b\""})
    void aMalformedKeyIsRefused(String key) {
        String counter = fresh();
        Answer answer = client.increment(counter, 1, KEY, key);

        assertThat(answer.status()).isEqualTo(400);
        assertThat(answer.problem()).isEqualTo("malformed");
        assertThat(client.get("/v1/counters/" + counter).status()).isEqualTo(404);
    }

    @ParameterizedTest
    @ValueSource(
            strings = {"Idempotency-Key: \u00e9", "Idempotency-Key: \u007f", "Idempotency-Key: a\r\nIdempotency-Key: a"
            })
    void aMalformedKeyIsRefusedOnTheWire(String header) throws IOException {
        RawHttp.Response response = RawHttp.exchange(
                one.uri(), "POST /v1/counters/keys/wire/increments HTTP/1.1\r\nHost: tally\r\n" + header + "\r\n\r\n");

        assertThat(response.status()).isEqualTo(400);
        assertThat(response.problem()).isEqualTo("malformed");
        assertThat(client.get("/v1/counters/keys/wire").status()).isEqualTo(404);
    }

    @Test
    void aKeyMayBeSoLongAndNoLonger() {
        String counter = fresh();
        assertThat(client.increment(counter, 1, KEY, "~".repeat(255)).status()).isEqualTo(200);
        assertThat(client.increment(counter, 1, KEY, "~".repeat(256)).status()).isEqualTo(400);
    }

    @Test
    void aQuotedKeyMayEscape() {
        String counter = fresh();
        Answer first = client.increment(counter, 1, KEY, "a\"b\\" + counter);
        isReplayOf(first, client.increment(counter, 1, KEY, "\"a\\\"b\\\\" + counter + "\""));
    }

    @ParameterizedTest
    @ValueSource(strings = {"{}", "{\"max\":1000}"})
    void ofRacersWithOneKeyOneIsApplied(String bounds) throws Exception {
        String counter = fresh();
        client.put(counter, bounds);
        for (int round = 1; round <= 10; round++) {
            String key = "race-" + round + counter;
            List<Answer> answers = Clients.atOnce(RACERS, racer -> client.increment(counter, 1, KEY, key));
            checkRace(answers, counter, round);
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"{}", "{\"max\":1000}"})
    void ofRacersOnTwoInstancesOneIsApplied(String bounds) throws Exception {
        String counter = fresh();
        client.put(counter, bounds);
        for (int round = 1; round <= 10; round++) {
            String key = "race-" + round + counter;
            List<Answer> answers = Clients.atOnce(
                    RACERS, racer -> (racer % 2 == 0 ? client : otherClient).increment(counter, 1, KEY, key));
            checkRace(answers, counter, round);
        }
    }

    private static void checkRace(List<Answer> answers, String counter, int round) {
        assertThat(answers).allSatisfy(answer -> {
            assertThat(answer.status()).isEqualTo(200);
            assertThat(answer.json().path("value").asLong()).isEqualTo(round);
        });
        assertThat(answers.stream().filter(answer -> answer.header(REPLAYED).equals("true")))
                .hasSize(RACERS - 1);
        assertThat(client.value(counter)).isEqualTo(round);
    }

    /** Two different requests with one key at once: exactly one is applied, the other is refused. */
    @Test
    void ofTwoMeaningsOneIsApplied() throws Exception {
        for (int round = 1; round <= 10; round++) {
            String a = fresh();
            String b = fresh();
            List<Answer> answers = Clients.atOnce(
                    RACERS,
                    racer -> (racer % 2 == 0 ? client : otherClient).increment(racer % 4 < 2 ? a : b, 1, KEY, a));

            assertThat(answers.stream().filter(answer -> answer.status() == 200))
                    .hasSize(RACERS / 2);
            assertThat(answers.stream().filter(answer -> answer.status() == 422))
                    .hasSize(RACERS / 2);
            assertThat(client.get("/v1/counters/" + a).status()
                            + client.get("/v1/counters/" + b).status())
                    .isEqualTo(200 + 404);
        }
    }

    @Test
    void aKeyIsForgottenAfterItsRetention() throws Exception {
        Database brief = Postgres.shared().createDatabase();
        try (TallyServer forgetful = TallyServer.start(brief, "tally.idempotency.retention", "1s")) {
            TallyClient asking = new TallyClient(forgetful.uri());
            String lines = "{\"namespace\":\"n\",\"name\":\"many\",\"delta\":1}\n".repeat(2_500);
            asking.send("POST", "/v1/increments", lines, "Content-Type", "application/x-ndjson", KEY, "upload");
            asking.increment("n/one", 1, KEY, "k");
            Clients.await("no key", Clients.PATIENCE, () -> keys(brief) == 0);
            TallyClient management = new TallyClient(forgetful.managementUri());
            Clients.await(
                    "all counted",
                    Clients.PATIENCE,
                    () -> management
                            .get("/actuator/prometheus")
                            .body()
                            .contains("tally_idempotency_keys_pruned_total 2501.0"));

            Answer again = asking.increment("n/one", 1, KEY, "k");
            assertThat(again.header(REPLAYED)).isEmpty();
            assertThat(again.json().path("value").asLong()).isEqualTo(2);
        }
    }

    private static long keys(Database database) {
        try {
            return database.sum("select count(*) from idempotency_key");
        } catch (SQLException e) {
            throw new IllegalStateException(e);
        }
    }

    @Test
    void theMetersTellReplaysFromWhatWasApplied() {
        String counter = fresh();
        client.increment(counter, 1, KEY, counter);
        client.increment(counter, 1, KEY, counter);
        String metrics =
                new TallyClient(one.managementUri()).get("/actuator/prometheus").body();

        assertThat(metrics)
                .containsPattern("tally_operations_total\\{kind=\"increment\",outcome=\"replayed\"\\} [1-9]");
        assertThat(metrics).containsPattern("tally_batch_operations_count\\{lane=\"[0-9]\",path=\"keyed\"\\} [1-9]");
        assertThat(metrics).contains("tally_retries_total{cause=\"key-race\"}");
    }
}
