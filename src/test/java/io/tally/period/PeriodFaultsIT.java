package io.tally.period;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assumptions.assumeThat;

import io.tally.testing.Clients;
import io.tally.testing.Database;
import io.tally.testing.EmbeddedPostgres;
import io.tally.testing.ShiftedClock;
import io.tally.testing.TallyClient;
import io.tally.testing.TallyClient.Answer;
import io.tally.testing.TallyProcess;
import java.sql.SQLException;
import java.time.Duration;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.locks.LockSupport;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.Timeout;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import tools.jackson.databind.JsonNode;

/**
 * Periods under faults, on two processes of the service and a PostgreSQL of their own: PostgreSQL is killed at
 * boundaries, the clocks of the instances are off, and one counter of a transaction refuses.
 */
@Tag("faults")
@Timeout(600)
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
@Tag("four-shards-endurance")
class PeriodFaultsIT {

    private static final Logger log = LoggerFactory.getLogger(PeriodFaultsIT.class);

    private static final int CLIENTS = 64;

    private static final int BOUNDARIES = 50;
    private static final int DATABASE_KILLS = 6;
    private static final int INSTANCE_KILLS_MAX = 5;
    private static final int PERIODS_BETWEEN_KILLS = 3;

    private static final Duration CLOCK_ERROR = Duration.ofSeconds(30);
    private static final int BOUNDARIES_OF_CLOCKS = 12;

    private static final int REFUSALS = 100_000;

    /** From before the boundary, since a kill takes some milliseconds, to after it. */
    private static final int[] KILL_OFFSETS_MILLIS = {-40, -20, 0, 20};

    private EmbeddedPostgres postgres;
    private Database database;
    private TallyProcess one;
    private TallyProcess other;

    @BeforeAll
    void start() throws Exception {
        postgres = EmbeddedPostgres.startTemporary();
        database = postgres.createDatabase("tally");
        one = TallyProcess.launch(database);
        other = TallyProcess.launch(database);
        one.awaitReady();
        other.awaitReady();
    }

    @AfterAll
    void stop() throws Exception {
        one.close();
        other.close();
        postgres.close();
    }

    /** Kills an instance, too, until a response was lost whose operation had been applied. */
    @Test
    void eachKeyCountsInOnePeriodThoughProcessesAreKilledAtBoundaries() throws Exception {
        try (PeriodLoad load = PeriodLoad.start(CLIENTS, one.uri(), other.uri())) {
            for (int i = 0; i < DATABASE_KILLS; i++) {
                awaitPeriods(endedPeriods() + PERIODS_BETWEEN_KILLS);
                awaitBoundary(KILL_OFFSETS_MILLIS[i % KILL_OFFSETS_MILLIS.length]);
                postgres.kill();
                postgres.restart();
            }
            for (int i = 0; load.replayed() == 0 && i < INSTANCE_KILLS_MAX; i++) {
                awaitBoundary(KILL_OFFSETS_MILLIS[i % KILL_OFFSETS_MILLIS.length]);
                one.killAndRestart();
            }
            awaitPeriods(BOUNDARIES);
            load.check();
            log.info("{}", load);
            assertThat(database.sum("select count(*) from idempotency_key")).isEqualTo(load.answered());
            assertThat(load.replayed()).as("applied, and not answered at first").isPositive();
        }
    }

    /**
     * PostgreSQL's clock decides, and not that of an instance: {@link PeriodLoad} compares each period with the time of
     * its requests.
     */
    @Test
    void eachKeyCountsInThePeriodOfItsTimeThoughTheClocksOfInstancesAreOff() throws Exception {
        assumeThat(ShiftedClock.isAvailable()).as(ShiftedClock.REQUIREMENT).isTrue();
        Database shared = postgres.createDatabase("clocks");
        try (TallyProcess early = TallyProcess.launch(shared, CLOCK_ERROR.negated());
                TallyProcess late = TallyProcess.launch(shared, CLOCK_ERROR)) {
            early.awaitReady();
            late.awaitReady();
            assertThat(clockDifference(early, late)).isBetween(CLOCK_ERROR, CLOCK_ERROR.multipliedBy(3));
            try (PeriodLoad load = PeriodLoad.start(CLIENTS, early.uri(), late.uri())) {
                awaitPeriods(shared, BOUNDARIES_OF_CLOCKS);
                load.check();
                log.info("{}", load);
            }
        }
    }

    /** Both started at once, each by its own clock. */
    private static Duration clockDifference(TallyProcess early, TallyProcess late) {
        return Duration.between(startTime(early), startTime(late));
    }

    private static Instant startTime(TallyProcess process) {
        String metric = "process_start_time_seconds ";
        return new TallyClient(process.managementUri())
                .get("/actuator/prometheus")
                .body()
                .lines()
                .filter(line -> line.startsWith(metric))
                .map(line -> Instant.ofEpochSecond((long) Double.parseDouble(line.substring(metric.length()))))
                .findFirst()
                .orElseThrow();
    }

    /** The transaction names the minute first, so that only the refusal of the day keeps the minute as it is. */
    @Test
    @Tag("endurance")
    void anExhaustedDayLeavesTheMinuteUntouched() throws Exception {
        TallyClient client = new TallyClient(one.uri());
        Instant begun = Instant.now().truncatedTo(ChronoUnit.SECONDS);
        Instant end = begun.plus(1, ChronoUnit.DAYS);
        client.put("day/minute", "{\"max\":100,\"period\":{\"every\":\"PT1M\"}}");
        client.put("day/day", "{\"max\":5,\"period\":{\"every\":\"P1D\",\"anchor\":\"" + begun + "\"}}");
        assertThat(client.increment("day/day", 5).status()).isEqualTo(200);
        String rows = rows();
        long commits = laneCommits();
        AtomicInteger left = new AtomicInteger(REFUSALS);

        Clients.atOnce(CLIENTS, each -> {
            TallyClient own = new TallyClient(each % 2 == 0 ? one.uri() : other.uri());
            while (left.getAndDecrement() > 0) {
                requireRefusedByDay(own, end);
            }
            return each;
        });

        assertThat(rows()).isEqualTo(rows);
        assertThat(laneCommits()).as("commits of the lanes").isEqualTo(commits);
        assertThat(client.value("day/minute")).isZero();
        // Version 1 is the creation, and each period begun since then counts one.
        JsonNode minute = client.get("/v1/counters/day/minute").json();
        long periods = database.of("day")
                .queryLong(
                        "select extract(epoch from ?::timestamptz - period_start)::bigint / 60 from counter"
                                + " where namespace = 'day' and name = 'minute'",
                        minute.path("period").path("start").asString());
        assertThat(minute.path("version").asLong()).isEqualTo(1 + periods);
        client.requireBalancedBooks();
    }

    private static void requireRefusedByDay(TallyClient client, Instant end) {
        Answer refusal = client.send("POST", "/v1/transactions", """
                {"increments":[{"namespace":"day","name":"minute","delta":1},
                               {"namespace":"day","name":"day","delta":1}]}
                """);
        JsonNode problem = refusal.json();
        if (refusal.status() != 409
                || !refusal.problem().equals("bound-exceeded")
                || problem.path("item").asInt() != 1
                || !problem.path("name").asString().equals("day")
                || !problem.path("end").asString().equals(end.toString())) {
            throw new AssertionError(refusal);
        }
        long retryAfter = Long.parseLong(refusal.header("Retry-After"));
        assertThat(problem.path("retryAfterSeconds").asLong()).isEqualTo(retryAfter);
        assertThat(Duration.between(Instant.now(), end).toSeconds())
                .as("Retry-After, sent a little earlier")
                .isBetween(retryAfter - CLOCK_ERROR.toSeconds() / 2, retryAfter);
    }

    /** The rows with their positions in the table, which each update changes. */
    private String rows() throws SQLException {
        return database.of("day")
                .queryString("select string_agg(concat_ws(' ', name, ctid, xmin, value, version), ', '"
                        + " order by name) from counter where namespace = 'day'");
    }

    /** Each commit of a lane moves the sequence of its writer. */
    private long laneCommits() throws SQLException {
        return database.sum("select sum(sequence) from writer");
    }

    private static void awaitBoundary(int offsetMillis) {
        Instant boundary = Instant.now().truncatedTo(ChronoUnit.SECONDS).plusSeconds(2);
        LockSupport.parkUntil(boundary.toEpochMilli() + offsetMillis);
    }

    private void awaitPeriods(long ended) throws InterruptedException {
        awaitPeriods(database, ended);
    }

    private static void awaitPeriods(Database database, long ended) throws InterruptedException {
        Clients.await(ended + " periods", Clients.PATIENCE, () -> endedPeriods(database) >= ended);
    }

    private long endedPeriods() {
        return endedPeriods(database);
    }

    /** The number of ended periods in which both counters were incremented. */
    private static long endedPeriods(Database database) {
        try {
            return database.of("quota").queryLong("""
                    select count(*) from ended_period b join ended_period p using (namespace, ended_at)
                     where namespace = 'quota' and b.name = 'bounded' and p.name = 'plain'
                       and b.value > 0 and p.value > 0
                    """);
        } catch (SQLException e) {
            throw new IllegalStateException(e);
        }
    }
}
