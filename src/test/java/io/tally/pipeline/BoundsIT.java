package io.tally.pipeline;

import static org.assertj.core.api.Assertions.assertThat;

import io.micrometer.core.instrument.MeterRegistry;
import io.micrometer.core.instrument.Timer;
import io.tally.testing.Clients;
import io.tally.testing.Database;
import io.tally.testing.Postgres;
import io.tally.testing.TallyClient;
import io.tally.testing.TallyClient.Answer;
import io.tally.testing.TallyServer;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.TreeMap;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.RepeatedTest;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.Timeout;

/** Counters with bounds and many clients, on two instances of one database. */
@Tag("four-shards")
@Timeout(120)
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class BoundsIT {

    private static final int CLIENTS = 16;
    private static final int MAX = 4;

    private Database database;
    private TallyServer one;
    private TallyServer other;
    private List<TallyClient> clients;
    private int histories;

    @BeforeAll
    void start() throws SQLException {
        database = Postgres.shared().createDatabase();
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

    private static long batches(TallyServer server, String path) {
        return server.bean(MeterRegistry.class).find("tally.batch").tag("path", path).timers().stream()
                .mapToLong(Timer::count)
                .sum();
    }

    private long batches(String path) {
        return batches(one, path) + batches(other, path);
    }

    /** An operation, and when it began and ended. Of a refused one, the version is 0 and the value is the one found. */
    private record Seen(long startNanos, long endNanos, int delta, boolean applied, long value, long version) {

        static Seen of(long startNanos, int delta, Answer answer) {
            boolean applied = answer.status() == 200;
            if (!applied) {
                assertThat(answer.problem()).as(answer.body()).isEqualTo("bound-exceeded");
            }
            return new Seen(
                    startNanos,
                    System.nanoTime(),
                    delta,
                    applied,
                    answer.json().path("value").asLong(),
                    answer.json().path("version").asLong(0));
        }
    }

    @RepeatedTest(4)
    void outcomesAreThoseOfOneOrderOfAllOperations() throws Exception {
        String counter = "stock/rush-" + histories++;
        assertThat(client(0).put(counter, "{\"min\":0,\"max\":" + MAX + "}").status())
                .isEqualTo(201);
        long fast = batches("fast") + batches("keyed");
        long read = batches("read");

        List<Seen> all = Clients.atOnce(CLIENTS, client -> operations(counter, client)).stream()
                .flatMap(List::stream)
                .toList();

        Map<Long, Seen> byVersion = new TreeMap<>();
        all.stream()
                .filter(Seen::applied)
                .forEach(seen -> assertThat(byVersion.put(seen.version(), seen))
                        .as("two of one version")
                        .isNull());
        List<Seen> order = new ArrayList<>(List.of(new Seen(Long.MIN_VALUE, Long.MIN_VALUE, 0, true, 0, 1)));
        order.addAll(byVersion.values());
        requireOneOrder(order);
        all.stream().filter(seen -> !seen.applied()).forEach(refused -> requireState(refused, order));
        assertThat(batches("fast") + batches("keyed"))
                .as("in the fast statement")
                .isGreaterThan(fast);
        assertThat(batches("read")).as("refused by a read").isGreaterThan(read);
    }

    private List<Seen> operations(String counter, int client) {
        Random random = new Random(client);
        List<Seen> seen = new ArrayList<>();
        for (int i = 0; i < 60; i++) {
            int delta = random.nextInt(-2, 4);
            String[] key = random.nextInt(3) == 0
                    ? new String[] {"Idempotency-Key", counter.substring(6) + "-" + client + "-" + i}
                    : new String[0];
            long start = System.nanoTime();
            Answer answer = client(client).increment(counter, delta, key);
            seen.add(Seen.of(start, delta, answer));
            if (key.length > 0 && answer.status() == 200) {
                Answer again = client(client + 1).increment(counter, delta, key);
                assertThat(again.body()).isEqualTo(answer.body());
            }
        }
        return seen;
    }

    /** Each value follows from the one before, and none that began after another had ended comes before it. */
    private static void requireOneOrder(List<Seen> order) {
        long latestStart = Long.MIN_VALUE;
        for (int i = 1; i < order.size(); i++) {
            Seen before = order.get(i - 1);
            Seen seen = order.get(i);
            assertThat(seen.version()).isEqualTo(before.version() + 1);
            assertThat(seen.value()).isEqualTo(before.value() + seen.delta()).isBetween(0L, (long) MAX);
            assertThat(seen.endNanos()).isGreaterThan(latestStart);
            latestStart = Math.max(latestStart, seen.startNanos());
        }
    }

    /** At some moment of a refused operation, the counter had the value that it was refused for. */
    private static void requireState(Seen refused, List<Seen> order) {
        assertThat(refused.value() + refused.delta()).matches(value -> value < 0 || value > MAX);
        boolean found = false;
        for (int i = 0; i < order.size(); i++) {
            boolean begins = order.get(i).startNanos() < refused.endNanos();
            boolean ends = i + 1 < order.size() && order.get(i + 1).endNanos() < refused.startNanos();
            found |= order.get(i).value() == refused.value() && begins && !ends;
        }
        assertThat(found).as("%s in %s", refused, order).isTrue();
    }

    @Test
    void exhaustedCounterIsRefusedWithoutACommit() throws Exception {
        client(0).put("stock/exhausted", "{\"min\":0}");
        String transaction = "{\"increments\":[{\"namespace\":\"stock\",\"name\":\"other\",\"delta\":1},"
                + "{\"namespace\":\"stock\",\"name\":\"exhausted\",\"delta\":-1}]}";
        assertThat(client(0).increment("stock/exhausted", -1).status()).isEqualTo(409);
        long version = client(0)
                .get("/v1/counters/stock/exhausted")
                .json()
                .path("version")
                .asLong();
        long commits = database.sum("select sum(sequence) from writer");

        Clients.atOnce(CLIENTS, client -> {
            for (int i = 0; i < 20; i++) {
                Answer refused = client(0).increment("stock/exhausted", -1, "Idempotency-Key", client + "-" + i);
                assertThat(refused.problem()).isEqualTo("bound-exceeded");
                assertThat(client(0)
                                .send("POST", "/v1/transactions", transaction)
                                .problem())
                        .isEqualTo("bound-exceeded");
            }
            return null;
        });

        assertThat(database.sum("select sum(sequence) from writer")).isEqualTo(commits);
        assertThat(client(0)
                        .get("/v1/counters/stock/exhausted")
                        .json()
                        .path("version")
                        .asLong())
                .isEqualTo(version);
        assertThat(client(1).increment("stock/exhausted", 2).status()).isEqualTo(200);
        assertThat(client(0)
                        .increment("stock/exhausted", -1)
                        .json()
                        .path("value")
                        .asLong())
                .isOne();
        assertThat(client(0).get("/v1/counters/stock/other").status()).isEqualTo(404);
    }
}
