package io.tally;

import static org.assertj.core.api.Assertions.assertThat;

import io.tally.pipeline.CounterPipeline;
import io.tally.testing.Clients;
import io.tally.testing.Database;
import io.tally.testing.EmbeddedPostgres;
import io.tally.testing.History;
import io.tally.testing.TallyClient;
import io.tally.testing.TallyClient.Answer;
import io.tally.testing.TallyServer;
import io.tally.testing.TestShards;
import io.tally.testing.WireProxy;
import io.tally.testing.WireProxy.Cut;
import java.sql.SQLException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * What is left of the promise when the database, or the way to it, breaks under load. After each fault: nothing
 * acknowledged is lost, nothing is counted twice, no value was given twice, the books balance, the service is healthy
 * within ten seconds, and no connection is left over. Runs on a PostgreSQL of its own: these faults need processes to
 * kill.
 */
@Tag("four-shards")
@Timeout(180)
class FaultsIT {

    private static final Logger log = LoggerFactory.getLogger(FaultsIT.class);

    private static final int CLIENTS = 24;
    /** A bound for defects, not for speed: a busy machine needs many seconds to restart PostgreSQL after a crash. */
    private static final Duration RECOVERY_MAX = Duration.ofSeconds(60);

    private static final List<String> COUNTERS = List.of("faults/hot", "faults/keyed", "faults/bounded", "faults/cold");

    private static EmbeddedPostgres postgres;

    private final Map<String, History> histories = new LinkedHashMap<>();
    private final List<Future<?>> load = new ArrayList<>();
    private final ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor();
    private Database database;
    private WireProxy proxy;
    private TallyServer server;
    private TallyClient client;
    private TallyClient management;
    private volatile boolean loading;

    @BeforeAll
    static void startPostgres() {
        postgres = EmbeddedPostgres.startTemporary();
    }

    @AfterAll
    static void stopPostgres() {
        postgres.close();
    }

    @BeforeEach
    void start() throws SQLException {
        database = postgres.createDatabase("faults-" + UUID.randomUUID());
        proxy = new WireProxy("127.0.0.1", postgres.port());
        server = TallyServer.start(
                proxy.through(database),
                "tally.database.connect-timeout",
                "1s",
                "tally.database.lock-timeout",
                "1s",
                "tally.database.statement-timeout",
                "2s");
        client = new TallyClient(server.uri());
        management = new TallyClient(server.managementUri());
        client.put("faults/bounded", "{\"max\":1000000000}");
        COUNTERS.forEach(counter -> histories.put(counter, new History()));
        startLoad();
    }

    @AfterEach
    void stop() {
        loading = false;
        threads.close();
        server.close();
        proxy.close();
    }

    private void startLoad() {
        loading = true;
        for (int i = 0; i < CLIENTS; i++) {
            String counter = COUNTERS.get(i % COUNTERS.size());
            load.add(threads.submit(() -> {
                while (loading) {
                    history(counter).increment(client, counter, headers(counter));
                }
            }));
        }
    }

    /** Each increment of one of the counters has a key of its own, and so goes the way of keyed ones. */
    private static String[] headers(String counter) {
        return counter.endsWith("keyed")
                ? new String[] {"Idempotency-Key", UUID.randomUUID().toString()}
                : new String[0];
    }

    private History history(String counter) {
        History history = histories.get(counter);
        if (history == null) {
            throw new AssertionError(counter);
        }
        return history;
    }

    private long acknowledged() {
        return histories.values().stream().mapToLong(History::acknowledged).sum();
    }

    /** Waits for so many acknowledgements more: the service works, and under load. */
    private void awaitProgress(long more) throws InterruptedException {
        long target = acknowledged() + more;
        Clients.await(more + " more increments", RECOVERY_MAX, () -> acknowledged() >= target);
    }

    /** Healthy again, then the load ends and everything is counted. */
    private void verify() throws Exception {
        awaitProgress(100);
        Clients.await(
                "health", RECOVERY_MAX, () -> management.get("/actuator/health").status() == 200);
        loading = false;
        for (Future<?> future : load) {
            future.get();
        }
        log.info("{}", histories);
        for (String counter : COUNTERS) {
            history(counter).check(client.value(counter));
        }
        client.requireBalancedBooks();
        nothingIsLeftOver();
    }

    private void nothingIsLeftOver() throws Exception {
        CounterPipeline pipeline = server.bean(CounterPipeline.class);
        assertThat(IntStream.range(0, pipeline.writeLanes()).map(pipeline::queued))
                .containsOnly(0);
        assertThat(pipeline.unavailableReasons()).isEmpty();
        // Of each shard: a connection a lane, one for audits, and the pool's.
        int connectionsMax = TestShards.count() * (2 + 1 + 4);
        Clients.await(
                "no more than " + connectionsMax + " connections", RECOVERY_MAX, () -> connections() <= connectionsMax);
    }

    private long connections() {
        try {
            return database.queryLong("select count(*) from pg_stat_activity where application_name = 'tally'");
        } catch (SQLException e) {
            throw new IllegalStateException(e);
        }
    }

    private double metric(String line) {
        return management
                .get("/actuator/prometheus")
                .body()
                .lines()
                .filter(candidate -> candidate.startsWith(line + " "))
                .mapToDouble(found -> Double.parseDouble(found.substring(line.length() + 1)))
                .findFirst()
                .orElseThrow(() -> new AssertionError(line));
    }

    /** Both ways of writing: the sum, and what is written under lock. */
    private static boolean writes(String sql) {
        return sql.contains("update writer");
    }

    private long unknown() {
        return histories.values().stream().mapToLong(History::unknown).sum();
    }

    @Test
    void aBackendIsTerminatedInFlight() throws Exception {
        terminateBackends(/* times= */ 2);
    }

    @Test
    @Tag("faults")
    void backendsAreTerminatedAgainAndAgain() throws Exception {
        terminateBackends(/* times= */ 20);
    }

    private void terminateBackends(int times) throws Exception {
        for (int i = 0; i < times; i++) {
            awaitProgress(50);
            database.execute("select pg_terminate_backend(pid) from pg_stat_activity"
                    + " where application_name = 'tally' and pid <> pg_backend_pid()");
        }
        verify();
        assertThat(unknown()).as("every outcome was learnt").isZero();
    }

    @Test
    void theAnswerToACommitIsCutOff() throws Exception {
        cutAnswers(/* times= */ 20, /* foundMin= */ 1);
    }

    /** About a third is found: the others hit a transaction before its commit, or the settling of an earlier one. */
    @Test
    @Tag("faults")
    void theAnswersToHundredsOfCommitsAreCutOff() throws Exception {
        cutAnswers(/* times= */ 300, /* foundMin= */ 50);
    }

    private void cutAnswers(int times, int foundMin) throws Exception {
        awaitProgress(100);
        proxy.cutRandomly(0.3, /* seed= */ 1, Cut.AFTER_COMMIT, FaultsIT::writes);
        Clients.await(times + " cuts", Duration.ofSeconds(90), () -> proxy.cuts() >= times);
        proxy.cutNothing();
        verify();
        assertThat(unknown()).as("every outcome was learnt").isZero();
        assertThat(metric("tally_commits_recovered_total{resolution=\"found-committed\"}"))
                .isGreaterThanOrEqualTo(foundMin);
    }

    @Test
    void theWayIsCutWhileABatchIsInFlight() throws Exception {
        cutInFlight(/* times= */ 20, /* unknownMin= */ 1);
    }

    @Test
    @Tag("faults")
    void theWayIsCutWhileHundredsOfBatchesAreInFlight() throws Exception {
        cutInFlight(/* times= */ 300, /* unknownMin= */ 100);
    }

    private void cutInFlight(int times, int unknownMin) throws Exception {
        awaitProgress(100);
        proxy.cutRandomly(0.3, /* seed= */ 2, Cut.IN_FLIGHT, FaultsIT::writes);
        Clients.await(times + " cuts", Duration.ofSeconds(90), () -> proxy.cuts() >= times);
        proxy.cutNothing();
        verify();
        assertThat(unknown()).as("every outcome was learnt").isZero();
        assertThat(metric("tally_commits_unknown_total")).isGreaterThanOrEqualTo(unknownMin);
    }

    @Test
    void postgresIsKilledAndRestarted() throws Exception {
        killPostgres(/* times= */ 1);
    }

    @Test
    @Tag("faults")
    void postgresIsKilledAgainAndAgain() throws Exception {
        killPostgres(/* times= */ 3);
    }

    private void killPostgres(int times) throws Exception {
        for (int i = 0; i < times; i++) {
            awaitProgress(100);
            postgres.kill();
            postgres.restart();
        }
        verify();
    }

    @Test
    void oneBackendIsKilledSoThatTheServerGoesThroughRecovery() throws Exception {
        killABackend(/* times= */ 1);
    }

    @Test
    @Tag("faults")
    void backendsAreKilledAgainAndAgain() throws Exception {
        killABackend(/* times= */ 3);
    }

    private void killABackend(int times) throws Exception {
        for (int i = 0; i < times; i++) {
            awaitProgress(100);
            long backend = database.queryLong("select min(pid) from pg_stat_activity"
                    + " where application_name = 'tally' and pid <> pg_backend_pid()");
            ProcessHandle.of(backend).orElseThrow().destroyForcibly();
        }
        verify();
    }

    @Test
    void postgresIsFrozenAndThawed() throws Exception {
        awaitProgress(100);
        postgres.freeze();
        try {
            // Long enough for statements to be given up and connections to be refused.
            Clients.await(
                    "a client learns that the database is away",
                    Duration.ofSeconds(60),
                    () -> histories.values().stream().anyMatch(history -> history.refused() + history.unknown() > 0));
            assertThat(management.get("/actuator/health").status()).isEqualTo(503);
            assertThat(client.get("/livez").status()).isEqualTo(200);
        } finally {
            postgres.thaw();
        }
        verify();
    }

    @Test
    void answersAreHeldBackAndThenCome() throws Exception {
        awaitProgress(100);
        proxy.stall();
        Clients.await(
                "the answer to a batch is missed",
                Duration.ofSeconds(60),
                () -> metric("tally_commits_unknown_total") >= 1);
        proxy.resume();
        verify();
    }

    /** What was never sent is not in doubt: the connection was lost while nothing was on its way. */
    @Test
    void connectionsAreLostWhileIdle() throws Exception {
        awaitProgress(100);
        loading = false;
        for (Future<?> future : load) {
            future.get();
        }
        double unknownBefore = metric("tally_commits_unknown_total");
        proxy.refuse();
        proxy.cutAll();
        assertThat(client.get("/v1/counters/faults/hot").status()).isEqualTo(503);
        assertThat(client.increment("faults/hot", 1).problem()).isEqualTo("store-unavailable");
        assertThat(metric("tally_commits_unknown_total")).isEqualTo(unknownBefore);
        proxy.admit();
        startLoad();
        verify();
    }

    @Test
    void theDatabaseIsAwayForLongerThanAnybodyWaits() throws Exception {
        awaitProgress(100);
        proxy.refuse();
        proxy.cutAll();
        Clients.await(
                "everybody is refused",
                Duration.ofSeconds(60),
                () -> histories.values().stream().allMatch(history -> history.refused() > 0));
        Answer refused = client.increment("faults/other", 1);
        assertThat(refused.status()).isEqualTo(503);
        assertThat(refused.problem()).isEqualTo("store-unavailable");
        assertThat(refused.header("Retry-After")).isNotEmpty();
        loading = false;
        for (Future<?> future : load) {
            future.get();
        }
        assertThat(management.get("/actuator/health").status()).isEqualTo(503);
        proxy.admit();
        // Without any write, the lanes become available again.
        Clients.await(
                "health", RECOVERY_MAX, () -> management.get("/actuator/health").status() == 200);
        startLoad();
        verify();
        assertThat(client.get("/v1/counters/faults/other").status()).isEqualTo(404);
    }
}
