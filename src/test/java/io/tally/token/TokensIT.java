package io.tally.token;

import static org.assertj.core.api.Assertions.assertThat;

import io.tally.http.RequestPath;
import io.tally.testing.Clients;
import io.tally.testing.Database;
import io.tally.testing.Postgres;
import io.tally.testing.TallyClient;
import io.tally.testing.TallyClient.Answer;
import io.tally.testing.TallyServer;
import java.sql.SQLException;
import java.time.Instant;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.UUID;
import java.util.stream.IntStream;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.RepeatedTest;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Tokens on two instances of one database. */
@Tag("four-shards")
@Timeout(300)
class TokensIT {

    private static final String KEY = "Idempotency-Key";
    private static final String REPLAYED = "Idempotency-Replayed";

    private static Database database;
    private static TallyServer one;
    private static TallyServer other;
    private static List<TallyClient> clients;
    private static TallyClient client;

    @BeforeAll
    static void start() throws SQLException {
        database = TallyServer.sharedDatabase();
        one = TallyServer.shared();
        other = TallyServer.sharedOther();
        clients = List.of(new TallyClient(one.uri()), new TallyClient(other.uri()));
        client = clients.getFirst();
    }

    /** An unused namespace. */
    private static String fresh() {
        return "t" + UUID.randomUUID();
    }

    private static Answer issue(TallyClient client, String namespace, String body, String... headers) {
        return client.send("POST", "/v1/tokens/" + namespace, body, headers);
    }

    private static Answer execute(TallyClient client, String namespace, String token, String... headers) {
        return client.send(
                "POST", "/v1/tokens/" + namespace + "/" + RequestPath.encode(token) + "/execution", "", headers);
    }

    private static String token(Answer issued) {
        assertThat(issued.status()).as(issued.body()).isEqualTo(201);
        return issued.json().path("token").asString();
    }

    private static List<Integer> statuses(List<Answer> answers) {
        return answers.stream().map(Answer::status).sorted().toList();
    }

    // ---- issuing

    @Test
    void aTokenIsIssuedAndExecuted() {
        String namespace = fresh();
        Answer issued = issue(client, namespace, "");
        String token = token(issued);
        Answer executed = execute(clients.getLast(), namespace, token);

        assertThat(token).matches("[2-9A-HJKMNP-Za-hjkmnp-z]{9}");
        assertThat(issued.body()).isEqualTo("{\"token\":\"" + token + "\",\"state\":\"pending\",\"expiresAt\":null}");
        assertThat(issued.header("Location")).isEmpty();
        assertThat(executed.status()).isEqualTo(200);
        assertThat(executed.json().path("token").asString()).isEqualTo(token);
        assertThat(executed.json().path("state").asString()).isEqualTo("executed");
        assertThat(Instant.parse(executed.json().path("executedAt").asString()))
                .isBetween(Instant.now().minusSeconds(60), Instant.now().plusSeconds(60));
    }

    @Test
    void aTokenLooksAsItIsAskedFor() {
        String namespace = fresh();

        assertThat(token(issue(client, namespace, "{}"))).hasSize(9);
        assertThat(token(issue(client, namespace, "{\"size\":64}"))).hasSize(64);
        assertThat(token(issue(client, namespace, "{\"size\":40,\"alphabet\":\"xy\"}")))
                .matches("[xy]{40}")
                .contains("x")
                .contains("y");
        assertThat(token(issue(client, namespace, "{\"size\":3,\"alphabet\":\"/\"}")))
                .isEqualTo("///");
        assertThat(execute(client, namespace, "///").status()).isEqualTo(200);
        Answer limited = issue(client, namespace, "{\"ttlSeconds\":3600}");
        assertThat(Instant.parse(limited.json().path("expiresAt").asString()))
                .isBetween(Instant.now().plusSeconds(3_540), Instant.now().plusSeconds(3_660));
        assertThat(issue(client, namespace, "{\"ttlSeconds\":315360000}").status())
                .isEqualTo(201);
    }

    /** Two texts there are, and eight want one. */
    @RepeatedTest(5)
    void aSpaceOfTwoHasTwoTokens() throws Exception {
        String namespace = fresh();
        List<Answer> answers =
                Clients.atOnce(8, i -> issue(clients.get(i % 2), namespace, "{\"size\":1,\"alphabet\":\"ab\"}"));

        assertThat(statuses(answers)).containsExactly(201, 201, 409, 409, 409, 409, 409, 409);
        Set<String> issued = new HashSet<>();
        for (Answer answer : answers) {
            if (answer.status() == 201) {
                issued.add(token(answer));
            } else {
                assertThat(answer.problem()).isEqualTo("token-space-exhausted");
            }
        }
        assertThat(issued).containsExactlyInAnyOrder("a", "b");
    }

    @Test
    void pendingTokensDifferFromEachOtherWhoeverRaces() throws Exception {
        String namespace = fresh();
        // 676 texts for 400 tokens: more often than not a text is taken.
        List<List<String>> issued = Clients.atOnce(
                8,
                i -> IntStream.range(0, 50)
                        .mapToObj(n -> token(issue(
                                clients.get(i % 2),
                                namespace,
                                "{\"size\":2,\"alphabet\":\"ABCDEFGHIJKLMNOPQRSTUVWXYZ\"}")))
                        .toList());

        assertThat(issued.stream().flatMap(List::stream)).hasSize(400).doesNotHaveDuplicates();
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "[]",
                "1",
                "{",
                "{\"size\":0}",
                "{\"size\":65}",
                "{\"size\":4294967297}",
                "{\"size\":1.5}",
                "{\"size\":\"9\"}",
                "{\"size\":null}",
                "{\"alphabet\":\"\"}",
                "{\"alphabet\":\"aa\"}",
                "{\"alphabet\":\"a b\"}",
                "{\"alphabet\":\"a\\u0000\"}",
                "{\"alphabet\":\"\u00e4\"}",
                "{\"alphabet\":7}",
                "{\"ttlSeconds\":0}",
                "{\"ttlSeconds\":-1}",
                "{\"ttlSeconds\":315360001}",
                "{\"ttlSeconds\":9223372036854775807}",
                "{\"ttlSeconds\":9223372036854775808}",
                "{\"size\":9,\"size\":9}",
                "{\"length\":9}"
            })
    void whatIsMalformedIsRefused(String body) throws SQLException {
        Answer answer = issue(client, "malformed", body);

        assertThat(answer.status()).as(answer.body()).isEqualTo(400);
        assertThat(answer.problem()).isEqualTo("malformed");
        assertThat(database.of("malformed").queryLong("select count(*) from token where namespace = 'malformed'"))
                .isZero();
    }

    @Test
    void otherRequestsAreRefused() {
        assertThat(issue(client, "malformed", "{}", "Content-Type", "text/plain")
                        .status())
                .isEqualTo(415);
        assertThat(issue(client, "malformed", "", KEY, "a b").status()).isEqualTo(400);
        assertThat(issue(client, "-malformed", "").status()).isEqualTo(400);
        assertThat(client.get("/v1/tokens/malformed").status()).isEqualTo(405);
        assertThat(client.get("/v1/tokens/malformed/a/execution").status()).isEqualTo(405);
        assertThat(execute(client, "malformed", "x".repeat(65)).status()).isEqualTo(400);
        assertThat(execute(client, "malformed", "a b").status()).isEqualTo(400);
        assertThat(client.post("/v1/tokens/malformed/%00/execution").status()).isEqualTo(400);
    }

    // ---- executing

    @RepeatedTest(3)
    void oneOfManyRacersExecutes() throws Exception {
        String namespace = fresh();
        String token = token(issue(client, namespace, ""));
        List<Answer> answers = Clients.atOnce(16, i -> execute(clients.get(i % 2), namespace, token));

        assertThat(answers.stream().filter(answer -> answer.status() == 200)).hasSize(1);
        assertThat(answers.stream().filter(answer -> answer.status() != 200))
                .hasSize(15)
                .allSatisfy(answer -> {
                    assertThat(answer.status()).isEqualTo(409);
                    assertThat(answer.problem()).isEqualTo("token-executed");
                });
    }

    @Test
    void whatIsNotThereCannotBeExecuted() {
        String namespace = fresh();
        String token = token(issue(client, namespace, ""));

        assertThat(execute(client, namespace, "x" + token).problem()).isEqualTo("not-found");
        assertThat(execute(client, fresh(), token).status()).isEqualTo(404);
        assertThat(execute(client, namespace, token).status()).isEqualTo(200);
    }

    @Test
    void theTextOfAnExecutedTokenIsFree() throws SQLException {
        String namespace = fresh();
        String only = "{\"size\":1,\"alphabet\":\"a\"}";
        for (int i = 0; i < 3; i++) {
            assertThat(token(issue(client, namespace, only))).isEqualTo("a");
            assertThat(issue(client, namespace, only).problem()).isEqualTo("token-space-exhausted");
            assertThat(execute(client, namespace, "a").status()).isEqualTo(200);
            assertThat(execute(client, namespace, "a").problem()).isEqualTo("token-executed");
        }
        assertThat(database.of(namespace).queryLong("select count(*) from token where namespace = ?", namespace))
                .isEqualTo(3);
    }

    // ---- expiry

    @Test
    void anExpiredTokenIsGoneAndItsTextIsFree() throws Exception {
        String namespace = fresh();
        String only = "{\"size\":1,\"alphabet\":\"a\",\"ttlSeconds\":3600}";
        assertThat(issue(client, namespace, only).status()).isEqualTo(201);
        assertThat(issue(client, namespace, only).status()).isEqualTo(409);
        database.of(namespace).execute("update token set expires_at = now() where namespace = ?", namespace);

        assertThat(execute(client, namespace, "a").problem()).isEqualTo("not-found");
        List<Answer> again =
                Clients.atOnce(4, i -> issue(clients.get(i % 2), namespace, "{\"size\":1,\"alphabet\":\"a\"}"));
        assertThat(statuses(again)).containsExactly(201, 409, 409, 409);
        assertThat(execute(client, namespace, "a").status()).isEqualTo(200);
    }

    /** What happened last counts. */
    @Test
    void aTokenThatExpiredAfterItsTextWasExecutedIsGone() throws Exception {
        String namespace = fresh();
        issue(client, namespace, "{\"size\":1,\"alphabet\":\"a\"}");
        assertThat(execute(client, namespace, "a").status()).isEqualTo(200);
        issue(client, namespace, "{\"size\":1,\"alphabet\":\"a\",\"ttlSeconds\":3600}");
        database.of(namespace)
                .execute("update token set expires_at = now() where namespace = ? and state = 'pending'", namespace);

        assertThat(execute(client, namespace, "a").status()).isEqualTo(404);
    }

    // ---- keys

    @Test
    void issuingUnderAKeyIsReplayed() throws Exception {
        String namespace = fresh();
        List<Answer> answers =
                Clients.atOnce(8, i -> issue(clients.get(i % 2), namespace, "{\"ttlSeconds\":60}", KEY, "k"));

        assertThat(answers.stream().map(Answer::status)).containsOnly(201);
        assertThat(answers.stream().map(Answer::body).distinct()).hasSize(1);
        assertThat(answers.stream().filter(answer -> answer.header(REPLAYED).isEmpty()))
                .hasSize(1);
        assertThat(database.of(namespace).queryLong("select count(*) from token where namespace = ?", namespace))
                .isEqualTo(1);
        // The same, spelled differently; and something else.
        assertThat(issue(client, namespace, "{\"size\":9,\"ttlSeconds\":60}", KEY, "k")
                        .header(REPLAYED))
                .isEqualTo("true");
        Answer reused = issue(client, namespace, "{\"size\":10,\"ttlSeconds\":60}", KEY, "k");
        assertThat(reused.status()).isEqualTo(422);
        assertThat(reused.problem()).isEqualTo("idempotency-key-reused");
        assertThat(execute(client, namespace, token(answers.getFirst()), KEY, "k")
                        .status())
                .isEqualTo(422);
    }

    @Test
    void anExecutionUnderAKeyIsReplayed() {
        String namespace = fresh();
        String token = token(issue(client, namespace, "", KEY, "issue"));
        Answer first = execute(client, namespace, token, KEY, "execute");
        Answer again = execute(clients.getLast(), namespace, token, KEY, "execute");

        assertThat(first.status()).isEqualTo(200);
        assertThat(first.header(REPLAYED)).isEmpty();
        assertThat(again.status()).isEqualTo(200);
        assertThat(again.header(REPLAYED)).isEqualTo("true");
        assertThat(again.body()).isEqualTo(first.body());
        assertThat(execute(client, namespace, token, KEY, "another").status()).isEqualTo(409);
    }

    @Test
    void aRefusalIsNotKeptUnderItsKey() {
        String namespace = fresh();
        String only = "{\"size\":1,\"alphabet\":\"a\"}";
        assertThat(execute(client, namespace, "a", KEY, "execute").status()).isEqualTo(404);
        issue(client, namespace, only);
        assertThat(issue(client, namespace, only, KEY, "issue").status()).isEqualTo(409);

        assertThat(execute(client, namespace, "a", KEY, "execute").status()).isEqualTo(200);
        assertThat(issue(client, namespace, only, KEY, "issue").status()).isEqualTo(201);
    }

    // ---- afterwards

    @Test
    void whatIsOverIsRemovedAfterItsRetention() throws Exception {
        Database small = Postgres.shared().createDatabase();
        try (TallyServer server = TallyServer.start(small, "tally.token.retention", "1s")) {
            TallyClient asking = new TallyClient(server.uri());
            String pending = token(issue(asking, "over", ""));
            String limited = token(issue(asking, "over", "{\"ttlSeconds\":3600}"));
            String executed = token(issue(asking, "over", "{\"ttlSeconds\":3600}"));
            token(issue(asking, "over", "{\"ttlSeconds\":1}"));
            assertThat(execute(asking, "over", executed).status()).isEqualTo(200);
            Clients.await("only what is pending is left", Clients.PATIENCE, () -> count(small) == 2);

            assertThat(execute(asking, "over", executed).status()).isEqualTo(404);
            assertThat(execute(asking, "over", pending).status()).isEqualTo(200);
            assertThat(execute(asking, "over", limited).status()).isEqualTo(200);
            Clients.await("nothing is left", Clients.PATIENCE, () -> count(small) == 0);
        }
    }

    private static long count(Database database) {
        try {
            return database.sum("select count(*) from token");
        } catch (SQLException e) {
            throw new IllegalStateException(e);
        }
    }

    @Test
    void tokensAreCounted() {
        String namespace = fresh();
        execute(client, namespace, token(issue(client, namespace, "")));
        execute(client, namespace, "absent");

        assertThat(new TallyClient(one.managementUri())
                        .get("/actuator/prometheus")
                        .body())
                .containsPattern("tally_operations_total\\{kind=\"token\",outcome=\"applied\"\\} [1-9]")
                .containsPattern("tally_operations_total\\{kind=\"execution\",outcome=\"applied\"\\} [1-9]")
                .containsPattern("tally_operations_total\\{kind=\"execution\",outcome=\"rejected\"\\} [1-9]");
    }
}
