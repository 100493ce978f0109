package io.tally.http;

import static org.assertj.core.api.Assertions.assertThat;

import io.tally.testing.Clients;
import io.tally.testing.Database;
import io.tally.testing.History;
import io.tally.testing.Postgres;
import io.tally.testing.TallyClient;
import io.tally.testing.TallyClient.Answer;
import io.tally.testing.TallyServer;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.LongStream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.TestInstance.Lifecycle;
import org.junit.jupiter.api.Timeout;
import tools.jackson.databind.JsonNode;

/** Many clients on two instances of one database, at each isolation level that the database may have as its default. */
@Timeout(120)
class ConcurrencyIT {

    @TestInstance(Lifecycle.PER_CLASS)
    abstract static class WithDefault {

        private static final int CLIENTS = 64;

        private final String isolation;
        private Database database;
        private TallyServer one;
        private TallyServer other;
        private List<TallyClient> clients;

        WithDefault(String isolation) {
            this.isolation = isolation;
        }

        @BeforeAll
        void start() throws SQLException {
            database = Postgres.shared().createDatabase();
            String name = database.queryString("select current_database()");
            database.execute("alter database " + name + " set default_transaction_isolation = '" + isolation + "'");
            one = TallyServer.start(database);
            other = TallyServer.start(database);
            clients = List.of(new TallyClient(one.uri()), new TallyClient(other.uri()));
        }

        @AfterAll
        void stop() {
            one.close();
            other.close();
        }

        @AfterEach
        void booksBalance() {
            clients.getFirst().requireBalancedBooks();
        }

        private TallyClient client(int client) {
            return clients.get(client % clients.size());
        }

        @Test
        void theDatabaseHasThatDefault() throws SQLException {
            assertThat(database.queryString("show default_transaction_isolation"))
                    .isEqualTo(isolation);
        }

        @Test
        void valuesAreAPermutationInAnOrderConsistentWithRealTime() throws Exception {
            int each = 50;
            History history = new History();
            List<Long> versions = Clients.atOnce(CLIENTS, client -> {
                        List<Long> mine = new ArrayList<>();
                        for (int i = 0; i < each; i++) {
                            Answer answer = history.increment(client(client), "many/hot");
                            mine.add(answer.json().path("version").asLong());
                        }
                        return mine;
                    })
                    .stream()
                    .flatMap(List::stream)
                    .toList();

            long total = (long) CLIENTS * each;
            assertThat(history.acknowledged()).isEqualTo(total);
            history.check(clients.getFirst().value("many/hot"));
            assertThat(clients.getFirst().value("many/hot")).isEqualTo(total);
            assertThat(versions)
                    .containsExactlyInAnyOrderElementsOf(
                            LongStream.rangeClosed(1, total).boxed().toList());
        }

        @Test
        void exactlyOneCreatesACounter() throws Exception {
            for (String counter : List.of("race/a", "race/b", "race/c")) {
                List<Answer> answers =
                        Clients.atOnce(CLIENTS, client -> client(client).put(counter, "{\"initial\":" + client + "}"));

                List<Answer> created = answers.stream()
                        .filter(answer -> answer.status() == 201)
                        .toList();
                assertThat(created).hasSize(1);
                assertThat(answers.stream().filter(answer -> answer.status() == 200))
                        .hasSize(CLIENTS - 1);
                assertThat(answers.stream()
                                .map(answer -> answer.json().path("value").asLong())
                                .distinct())
                        .containsExactly(created.getFirst().json().path("value").asLong());
            }
        }

        @Test
        void aStockSellsWhatItHas() throws Exception {
            clients.getFirst().put("shop/stock", "{\"initial\":100,\"min\":0}");

            List<Answer> answers = Clients.atOnce(300, client -> client(client).increment("shop/stock", -1));

            List<Long> sold = answers.stream()
                    .filter(answer -> answer.status() == 200)
                    .map(answer -> answer.json().path("value").asLong())
                    .toList();
            assertThat(sold)
                    .containsExactlyInAnyOrderElementsOf(
                            LongStream.range(0, 100).boxed().toList());
            assertThat(answers.stream().filter(answer -> answer.status() == 409))
                    .hasSize(200)
                    .allMatch(answer -> answer.problem().equals("bound-exceeded"));
        }

        @Test
        void oneOfThoseWithDefaultsCreatesTheCounterAndAllAreCounted() throws Exception {
            for (String counter : List.of("defaults/a", "defaults/b", "defaults/c")) {
                List<Answer> answers = Clients.atOnce(
                        CLIENTS,
                        client -> client(client)
                                .send(
                                        "POST",
                                        "/v1/counters/" + counter + "/increments",
                                        "{\"delta\":1,\"defaults\":{\"initial\":%d,\"max\":%d}}"
                                                .formatted(1000 * client, 1000 * client + CLIENTS)));

                assertThat(answers).allMatch(answer -> answer.status() == 200);
                JsonNode state =
                        clients.getFirst().get("/v1/counters/" + counter).json();
                long initial = state.path("initial").asLong();
                assertThat(initial % 1000).isZero();
                assertThat(state.path("max").asLong()).isEqualTo(initial + CLIENTS);
                assertThat(state.path("value").asLong()).isEqualTo(initial + CLIENTS);
                assertThat(state.path("version").asLong()).isEqualTo(CLIENTS);
                assertThat(answers.stream()
                                .map(answer -> answer.json().path("value").asLong()))
                        .containsExactlyInAnyOrderElementsOf(LongStream.rangeClosed(initial + 1, initial + CLIENTS)
                                .boxed()
                                .toList());
            }
        }

        @Test
        void atMostNeverPassesTheBoundsAndTheDeltasAddUp() throws Exception {
            clients.getFirst().put("at-most/quota", "{\"initial\":10,\"min\":0,\"max\":100}");
            List<JsonNode> results = Clients.atOnce(CLIENTS, client -> {
                        List<JsonNode> mine = new ArrayList<>();
                        for (int i = 0; i < 10; i++) {
                            long delta = i % 3 == 0 ? -7L * client : 5L * client;
                            mine.add(client(client)
                                    .send(
                                            "POST",
                                            "/v1/counters/at-most/quota/increments",
                                            "{\"delta\":" + delta + ",\"atMost\":" + (client % 4 != 0) + "}")
                                    .json());
                        }
                        return mine;
                    })
                    .stream()
                    .flatMap(List::stream)
                    .filter(result -> result.has("delta"))
                    .toList();

            assertThat(results)
                    .allMatch(result -> result.path("value").asLong() >= 0
                            && result.path("value").asLong() <= 100);
            assertThat(results).anyMatch(result -> result.path("delta").asLong() == 0);
            assertThat(10
                            + results.stream()
                                    .mapToLong(result -> result.path("delta").asLong())
                                    .sum())
                    .isEqualTo(clients.getFirst().value("at-most/quota"));
            // Each version belongs to one increment, and those that added nothing repeat it.
            assertThat(results.stream()
                            .filter(result -> result.path("delta").asLong() != 0)
                            .map(result -> result.path("version").asLong()))
                    .doesNotHaveDuplicates();
        }

        /** Transfers between two counters, whose sum stays 0, while other clients ask what a transfer would do. */
        @Test
        void dryRunOfATransactionReadsOneSnapshot() throws Exception {
            List<Long> sums = Clients.atOnce(16, client -> {
                        List<Long> mine = new ArrayList<>();
                        for (int i = 0; i < 30; i++) {
                            boolean dryRun = client % 2 == 0;
                            Answer answer = client(client / 2).send("POST", "/v1/transactions", """
                                            {"dryRun":%b,"increments":[
                                              {"namespace":"snapshot","name":"from","delta":-1},
                                              {"namespace":"snapshot","name":"to","delta":1}]}""".formatted(dryRun));
                            JsonNode results = answer.json().path("results");
                            mine.add(results.get(0).path("value").asLong()
                                    + results.get(1).path("value").asLong());
                        }
                        return mine;
                    })
                    .stream()
                    .flatMap(List::stream)
                    .toList();

            assertThat(sums).hasSize(480).containsOnly(0L);
            assertThat(clients.getFirst().value("snapshot/to")).isEqualTo(240);
        }

        @Test
        void ofThoseWhoReadTheSameVersionOneWins() throws Exception {
            String tag = clients.getFirst().put("cas/balance", "").header("ETag");

            List<Answer> answers =
                    Clients.atOnce(32, client -> client(client).increment("cas/balance", 1, "If-Match", tag));

            assertThat(answers.stream().filter(answer -> answer.status() == 200))
                    .hasSize(1);
            assertThat(answers.stream().filter(answer -> answer.status() == 412))
                    .hasSize(31);
            assertThat(clients.getFirst().value("cas/balance")).isEqualTo(1);
        }

        /** Sums and decisions on the same counters, while bounds come and go and counters with them. */
        @Test
        void everyKindOfOperationAtOnceKeepsTheBooks() throws Exception {
            List<Integer> statuses = Clients.atOnce(24, client -> {
                        List<Integer> mine = new ArrayList<>();
                        for (int i = 0; i < 20; i++) {
                            String counter = "mixed/" + (client + i) % 3;
                            mine.add(mixed(client(client), counter, (client * 7 + i) % 8)
                                    .status());
                        }
                        return mine;
                    })
                    .stream()
                    .flatMap(List::stream)
                    .toList();

            assertThat(statuses).hasSize(480).isSubsetOf(200, 201, 204, 404, 409, 412);
            assertThat(statuses).contains(200, 204);
        }

        private static Answer mixed(TallyClient client, String counter, int what) {
            String path = "/v1/counters/" + counter;
            return switch (what) {
                case 0 -> client.put(counter, "{\"initial\":5,\"min\":0,\"max\":10}");
                case 1 -> client.send("PATCH", path, "{\"min\":null,\"max\":null}", "If-Match", "*");
                case 2 -> client.send("PATCH", path, "{\"value\":7,\"max\":9}", "If-Match", "*");
                case 3 -> client.send("DELETE", path, "");
                case 4 -> client.increment(counter, -3);
                default -> client.increment(counter, 2);
            };
        }
    }

    @Nested
    class ReadCommitted extends WithDefault {
        ReadCommitted() {
            super("read committed");
        }
    }

    @Nested
    class RepeatableRead extends WithDefault {
        RepeatableRead() {
            super("repeatable read");
        }
    }

    @Nested
    class Serializable extends WithDefault {
        Serializable() {
            super("serializable");
        }
    }
}
