package io.tally.period;

import static org.assertj.core.api.Assertions.assertThat;

import io.tally.testing.Clients;
import io.tally.testing.Command;
import io.tally.testing.Database;
import io.tally.testing.EmbeddedPostgres;
import io.tally.testing.TallyClient;
import io.tally.testing.TallyClient.Answer;
import io.tally.testing.TallyProcess;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.time.Duration;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.ArrayList;
import java.util.List;
import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.parallel.Isolated;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import tools.jackson.databind.JsonNode;

/** A million counters whose periods end at once, while clients increment another counter. */
@Tag("one-shard") // The memory and the time of one pass over one namespace.
@Tag("faults")
@Tag("endurance")
@Isolated("It measures pauses")
@Timeout(600)
class ManyPeriodsFaultsIT {

    private static final Logger log = LoggerFactory.getLogger(ManyPeriodsFaultsIT.class);

    private static final int COUNTERS = 1_000_000;
    /** One percent. Their numbers are spread over the namespace. */
    private static final int TOUCHED = 10_000;

    private static final int STEP = COUNTERS / TOUCHED;

    private static final int ITEMS = 1_000;
    private static final int HOT_CLIENTS = 8;

    private static final Duration STALL_MAX = Duration.ofMillis(250);
    /** A pass reads each period that has ended, and rests for two thirds of the time. */
    private static final Duration PASS_MAX = Duration.ofMinutes(3);

    /** Orders of large namespaces are at most a minute old. */
    private static final Duration ORDER_MAX = Duration.ofSeconds(90);

    private static final long MEGABYTE = 1_000_000;
    private static final long HEAP_GROWTH_MAX = 32 * MEGABYTE;

    private final Queue<Long> acknowledged = new ConcurrentLinkedQueue<>();
    private final AtomicBoolean loading = new AtomicBoolean(true);

    @Test
    void incrementsDoNotWaitForPassesOverAMillionCounters() throws Exception {
        try (EmbeddedPostgres postgres = EmbeddedPostgres.startTemporary()) {
            Database database = postgres.createDatabase("tally");
            try (TallyProcess tally = TallyProcess.start(database);
                    ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor()) {
                TallyClient client = new TallyClient(tally.uri());
                create(client, database);
                touch(client);
                Clients.await("the order", Clients.PATIENCE, () -> highestRank(client) > 0);
                long heap = heapAfterCollection(tally);
                List<Future<?>> hot = new ArrayList<>();
                for (int i = 0; i < HOT_CLIENTS; i++) {
                    hot.add(threads.submit(() -> incrementWhileLoading(client)));
                }
                try {
                    check(client, tally, database, heap);
                } finally {
                    loading.set(false);
                }
                for (Future<?> each : hot) {
                    each.get();
                }
                assertThat(database.queryLong("select count(*) from ended_period where namespace = 'million'"))
                        .isGreaterThanOrEqualTo(TOUCHED);
                client.requireBalancedBooks();
            }
        }
    }

    private void check(TallyClient client, TallyProcess tally, Database database, long heap) throws Exception {
        long begun = System.nanoTime();
        String last = "/v1/counters/million/" + (TOUCHED - 1) * STEP;
        JsonNode period = client.get(last).json().path("period");
        Instant end = Instant.parse(period.path("end").asString());
        Clients.await("the boundary", Clients.PATIENCE, () -> !Instant.now().isBefore(end));
        long boundary = System.nanoTime();
        awaitPass(database);
        long passed = System.nanoTime();
        Clients.await("the order after the pass", ORDER_MAX, () -> highestRank(client) == 0);
        long ordered = System.nanoTime();
        loading.set(false);

        Duration quiet = longer(longestPause(begun, boundary), longestPause(passed, ordered));
        Duration during = longestPause(boundary, passed);
        long growth = heapAfterCollection(tally) - heap;
        log.info(
                "pass {} ms, order {} ms later; longest pause {} ms, without a pass {} ms; heap {} + {} MB",
                millis(passed - boundary),
                millis(ordered - passed),
                during.toMillis(),
                quiet.toMillis(),
                heap / MEGABYTE,
                growth / MEGABYTE);
        metrics(tally, "tally_sweep_seconds").forEach(log::info);
        // On a busy machine, increments pause without any pass.
        assertThat(during)
                .as("the longest time without an acknowledgement")
                .isLessThan(longer(STALL_MAX, quiet.multipliedBy(2)));
        assertThat(growth).as("growth of the heap").isLessThan(HEAP_GROWTH_MAX);
    }

    /** Waits until the last one of the counters in the order of a pass has its initial value in the table. */
    private static void awaitPass(Database database) throws Exception {
        String last = Integer.toString((TOUCHED - 1) * STEP);
        try (Connection connection = database.connect();
                PreparedStatement statement = connection.prepareStatement(
                        "select value = 0 from counter where namespace = 'million' and name = '" + last + "'")) {
            Clients.await("the pass", PASS_MAX, () -> isTrue(statement));
        }
        assertThat(database.queryLong("select count(*) from counter where namespace = 'million' and value <> 0"))
                .isZero();
    }

    private static boolean isTrue(PreparedStatement statement) {
        try (ResultSet rows = statement.executeQuery()) {
            return rows.next() && rows.getBoolean(1);
        } catch (SQLException e) {
            throw new IllegalStateException(e);
        }
    }

    private static Duration longer(Duration one, Duration other) {
        return one.compareTo(other) > 0 ? one : other;
    }

    private static long millis(long nanos) {
        return Duration.ofNanos(nanos).toMillis();
    }

    /** Creates one by a request and copies its row: a value of 0 changes no sum in the books. */
    private static void create(TallyClient client, Database database) throws Exception {
        Instant boundary = Instant.now().truncatedTo(ChronoUnit.SECONDS).plusSeconds(60);
        Answer created =
                client.put("million/0", "{\"period\":{\"every\":\"PT1M\",\"anchor\":\"" + boundary.toString() + "\"}}");
        assertThat(created.status()).as(created.body()).isEqualTo(201);
        database.execute(
                "insert into counter (namespace, name, value, version, initial, period, period_start,"
                        + " period_end, period_version) select namespace, n::text, value, version, initial, period,"
                        + " period_start, period_end, period_version from counter, generate_series(1, ?) n"
                        + " where namespace = 'million' and name = '0'",
                COUNTERS - 1);
        database.execute("vacuum analyze counter");
        database.execute("checkpoint");
    }

    private static void touch(TallyClient client) {
        for (int first = 0; first < TOUCHED; first += ITEMS) {
            String items = IntStream.range(first, first + ITEMS)
                    .mapToObj(i -> "{\"namespace\":\"million\",\"name\":\"" + i * STEP + "\",\"delta\":1}")
                    .collect(Collectors.joining(",", "[", "]"));
            Answer touched = client.send("POST", "/v1/increments", items);
            assertThat(touched.status()).as(touched.body()).isEqualTo(200);
            assertThat(touched.body()).doesNotContain("problem");
        }
    }

    private static long highestRank(TallyClient client) {
        Answer list = client.get("/v1/counters/million?sort=-value&limit=1");
        JsonNode first = list.json().path("items").path(0);
        return list.status() == 200 ? first.path("rank").asLong() : -1;
    }

    private void incrementWhileLoading(TallyClient client) {
        while (loading.get()) {
            Answer answer = client.increment("hot/one", 1);
            assertThat(answer.status()).as(answer.body()).isEqualTo(200);
            acknowledged.add(System.nanoTime());
        }
    }

    /** The longest time between two acknowledgements, of any clients. */
    private Duration longestPause(long fromNanos, long toNanos) {
        List<Long> times = acknowledged.stream()
                .filter(time -> time - fromNanos >= 0 && time - toNanos <= 0)
                .sorted()
                .toList();
        long longest = 0;
        long last = fromNanos;
        for (long time : times) {
            longest = Math.max(longest, time - last);
            last = time;
        }
        return Duration.ofNanos(Math.max(longest, toNanos - last));
    }

    private static long heapAfterCollection(TallyProcess tally) {
        Path jcmd = Path.of(System.getProperty("java.home"), "bin", "jcmd");
        Command collection = Command.run(List.of(jcmd.toString(), Long.toString(tally.pid()), "GC.run"));
        assertThat(collection.succeeded()).as(collection.output()).isTrue();
        return metrics(tally, "jvm_memory_used_bytes{area=\"heap\"")
                .mapToLong(line -> (long) Double.parseDouble(line.substring(line.lastIndexOf(' ') + 1)))
                .sum();
    }

    private static Stream<String> metrics(TallyProcess tally, String prefix) {
        return new TallyClient(tally.managementUri())
                .get("/actuator/prometheus")
                .body()
                .lines()
                .filter(line -> line.startsWith(prefix) && !line.contains("_bucket"));
    }
}
