package io.tally.bulk;

import static org.assertj.core.api.Assertions.assertThat;

import io.tally.testing.Clients;
import io.tally.testing.Database;
import io.tally.testing.TallyClient;
import io.tally.testing.TallyClient.Answer;
import io.tally.testing.TallyServer;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.UUID;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Transactions, on two instances of one database. */
@Tag("four-shards")
@Timeout(120)
class TransactionsIT {

    private static Database database;
    private static TallyServer one;
    private static TallyServer other;
    private static List<TallyClient> clients;

    private List<String> deadlocksBefore = List.of();

    @BeforeAll
    static void start() throws SQLException {
        database = TallyServer.sharedDatabase();
        one = TallyServer.shared();
        other = TallyServer.sharedOther();
        clients = List.of(new TallyClient(one.uri()), new TallyClient(other.uri()));
    }

    @BeforeEach
    void countDeadlocks() {
        deadlocksBefore = deadlocks();
    }

    @AfterEach
    void booksBalanceWithoutADeadlock() {
        clients.getFirst().requireBalancedBooks();
        assertThat(deadlocks()).isEqualTo(deadlocksBefore);
    }

    private static List<String> deadlocks() {
        return Stream.of(one, other)
                .flatMap(server -> new TallyClient(server.managementUri())
                        .get("/actuator/prometheus")
                        .body()
                        .lines())
                .filter(line -> line.startsWith("tally_retries_total{cause=\"deadlock\"}"))
                .toList();
    }

    private static String increment(String counter, long delta) {
        String[] parts = counter.split("/", 2);
        return "{\"namespace\":\"" + parts[0] + "\",\"name\":\"" + parts[1] + "\",\"delta\":" + delta + "}";
    }

    private static String transaction(String... increments) {
        return "{\"increments\":[" + String.join(",", increments) + "]}";
    }

    private static Answer transact(TallyClient client, String... increments) {
        return client.send("POST", "/v1/transactions", transaction(increments));
    }

    private static String fresh() {
        return "transactions/" + UUID.randomUUID();
    }

    @Test
    void allIncrementsAreApplied() {
        String a = fresh();
        String b = "elsewhere/" + UUID.randomUUID();
        Answer answer = transact(clients.getFirst(), increment(a, 5), increment(b, -5), increment(a, 1));

        assertThat(answer.status()).isEqualTo(200);
        assertThat(answer.body())
                .isEqualTo("{\"results\":[{\"value\":5,\"version\":1},{\"value\":-5,\"version\":1},"
                        + "{\"value\":6,\"version\":2}]}");
        assertThat(clients.getLast().value(a)).isEqualTo(6);
        assertThat(clients.getLast().value(b)).isEqualTo(-5);
    }

    @Test
    void noneIsAppliedWhereOneIsRefused() {
        String a = fresh();
        String bounded = fresh();
        clients.getFirst().put(bounded, "{\"initial\":3,\"min\":0}");
        Answer answer = transact(clients.getFirst(), increment(a, 5), increment(bounded, -2), increment(bounded, -2));

        assertThat(answer.status()).isEqualTo(409);
        assertThat(answer.problem()).isEqualTo("bound-exceeded");
        assertThat(answer.json().path("item").asInt()).isEqualTo(2);
        assertThat(answer.json().path("name").asString()).isEqualTo(bounded.split("/", 2)[1]);
        assertThat(answer.json().path("bound").asString()).isEqualTo("min");
        assertThat(answer.json().path("limit").asLong()).isZero();
        assertThat(answer.json().path("value").asLong()).isEqualTo(1);
        assertThat(clients.getFirst().get("/v1/counters/" + a).status()).isEqualTo(404);
        assertThat(clients.getFirst().value(bounded)).isEqualTo(3);
    }

    @Test
    void theEndsOf64BitsAreBounds() {
        String counter = fresh();
        Answer answer = transact(clients.getFirst(), increment(counter, Long.MAX_VALUE), increment(counter, 1));

        assertThat(answer.status()).isEqualTo(409);
        assertThat(answer.json().path("limit").asLong()).isEqualTo(Long.MAX_VALUE);
        assertThat(clients.getFirst().get("/v1/counters/" + counter).status()).isEqualTo(404);
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "{}",
                "[]",
                "{\"increments\":{}}",
                "{\"increments\":[]}",
                "{\"increments\":[1]}",
                "{\"increments\":[{\"namespace\":\"n\",\"name\":\"a\"}]}",
                "{\"increments\":[{\"namespace\":\"n\",\"name\":\"a\",\"delta\":1.0}]}",
                "{\"increments\":[{\"namespace\":\"n\",\"name\":\"a\",\"delta\":9223372036854775808}]}",
                "{\"increments\":[{\"namespace\":\"n n\",\"name\":\"a\",\"delta\":1}]}",
                "{\"increments\":[{\"namespace\":\"n\",\"name\":\"a\\u0000\",\"delta\":1}]}",
                "{\"increments\":[{\"namespace\":\"n\",\"name\":\"a\",\"delta\":1,\"key\":\"k\"}]}",
                "{\"increments\":[{\"namespace\":\"n\",\"name\":\"a\",\"delta\":1}],\"atomic\":true}"
            })
    void whatIsMalformedIsRefused(String body) {
        Answer answer = clients.getFirst().send("POST", "/v1/transactions", body);

        assertThat(answer.status()).isEqualTo(400);
        assertThat(answer.problem()).isEqualTo("malformed");
        assertThat(clients.getFirst().get("/v1/counters/n/a").status()).isEqualTo(404);
    }

    @Test
    void aHundredIsTheMost() {
        String[] increments = IntStream.range(0, 101)
                .mapToObj(i -> increment("hundred/c" + i, 1))
                .toArray(String[]::new);

        assertThat(transact(clients.getFirst(), increments).status()).isEqualTo(413);
        String[] escaped = IntStream.range(0, 100)
                .mapToObj(i -> increment("hundred/" + "\\u0436".repeat(120) + i, 1))
                .toArray(String[]::new);
        assertThat(transact(clients.getFirst(), escaped).status()).isEqualTo(200);
        assertThat(transact(
                                clients.getFirst(),
                                List.of(increments).subList(0, 100).toArray(String[]::new))
                        .status())
                .isEqualTo(200);
    }

    @Test
    void aConditionCannotHold() {
        assertThat(clients.getFirst()
                        .send("POST", "/v1/transactions", transaction(increment(fresh(), 1)), "If-Match", "*")
                        .status())
                .isEqualTo(412);
        assertThat(clients.getFirst().send("POST", "/v1/transactions", "").status())
                .isEqualTo(400);
    }

    /** Accounts with a minimum under random transfers: the sum is constant at every moment. */
    @Test
    void moneyIsNeitherMadeNorLost() throws Exception {
        int accounts = 12;
        int initial = 50;
        for (int i = 0; i < accounts; i++) {
            clients.getFirst().put("bank/" + i, "{\"initial\":" + initial + ",\"min\":0}");
        }
        AtomicBoolean looking = new AtomicBoolean(true);
        try (ExecutorService executor = Executors.newVirtualThreadPerTaskExecutor()) {
            Future<List<Long>> reader = executor.submit(() -> sumsWhile(looking));
            List<Integer> statuses = Clients.atOnce(32, teller -> {
                        Random random = new Random(teller);
                        return IntStream.range(0, 60)
                                .map(i -> transfer(clients.get(teller % 2), random, accounts))
                                .boxed()
                                .toList();
                    })
                    .stream()
                    .flatMap(List::stream)
                    .toList();

            looking.set(false);
            assertThat(statuses).contains(200, 409).containsOnly(200, 409);
            assertThat(reader.get()).isNotEmpty().containsOnly((long) accounts * initial);
        }
        assertThat(database.of("bank").queryLong("select sum(value) from counter where namespace = 'bank'"))
                .isEqualTo((long) accounts * initial);
        assertThat(database.of("bank").queryLong("select min(value) from counter where namespace = 'bank'"))
                .isNotNegative();
    }

    private static List<Long> sumsWhile(AtomicBoolean looking) throws SQLException {
        List<Long> sums = new ArrayList<>();
        while (looking.get()) {
            sums.add(database.of("bank").queryLong("select sum(value) from counter where namespace = 'bank'"));
        }
        return sums;
    }

    private static int transfer(TallyClient client, Random random, int accounts) {
        List<Integer> parties =
                random.ints(0, accounts).distinct().limit(3).boxed().toList();
        int amount = 1 + random.nextInt(40);
        return transact(
                        client,
                        increment("bank/" + parties.get(0), amount),
                        increment("bank/" + parties.get(1), -2L * amount),
                        increment("bank/" + parties.get(2), amount))
                .status();
    }

    /** A sale takes one from stock and adds one to what is sold and to the buyer's: no more than there are. */
    @Test
    void stockIsSoldOnceAndNoMore() throws Exception {
        int stock = 100;
        int buyers = 400;
        clients.getFirst().put("shop/stock", "{\"initial\":" + stock + ",\"min\":0}");
        List<Integer> statuses = Clients.atOnce(
                buyers,
                buyer -> transact(
                                clients.get(buyer % 2),
                                increment("shop/stock", -1),
                                increment("shop/sold", 1),
                                increment("shop/buyer-" + buyer, 1))
                        .status());

        assertThat(statuses.stream().collect(Collectors.groupingBy(status -> status, Collectors.counting())))
                .containsOnlyKeys(200, 409)
                .containsEntry(200, (long) stock);
        assertThat(clients.getFirst().value("shop/stock")).isZero();
        assertThat(clients.getFirst().value("shop/sold")).isEqualTo(stock);
        assertThat(database.of("shop")
                        .queryLong("select count(*) from counter where namespace = 'shop' and name like 'buyer-%'"))
                .isEqualTo(stock);
    }

    @Test
    void refusalsAreCounted() {
        String counter = fresh();
        clients.getFirst().put(counter, "{\"max\":0}");
        transact(clients.getFirst(), increment(counter, 1));

        assertThat(new TallyClient(one.managementUri())
                        .get("/actuator/prometheus")
                        .body())
                .containsPattern("tally_operations_total\\{kind=\"transaction\",outcome=\"rejected\"\\} [1-9]");
    }
}
