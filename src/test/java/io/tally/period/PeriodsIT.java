package io.tally.period;

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
import java.time.Duration;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.Stream;
import java.util.stream.StreamSupport;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.Timeout;

/**
 * Many clients of counters with periods of a second, on two instances of one database. The database runs on the machine
 * of the clients, so that their clocks are the same.
 */
@Timeout(120)
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class PeriodsIT {

    private static final int CLIENTS = 16;
    private static final Duration PERIOD = Duration.ofSeconds(1);
    private static final Duration RUN = PERIOD.multipliedBy(9);

    private static final AtomicInteger HISTORIES = new AtomicInteger();

    private Database database;
    private TallyServer one;
    private TallyServer other;
    private List<TallyClient> clients;

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

    private TallyClient client(int client) {
        return clients.get(client % clients.size());
    }

    private long batches(String path) {
        return Stream.of(one, other)
                .flatMap(server ->
                        server.bean(MeterRegistry.class).find("tally.batch").tag("path", path).timers().stream())
                .mapToLong(Timer::count)
                .sum();
    }

    /** A time by both clocks of this machine. */
    private record Time(long nanos, Instant wall) {

        static Time now() {
            return new Time(System.nanoTime(), Instant.now());
        }
    }

    /** An acknowledged operation, or a refused one with the end of the period that refused it. */
    private record Seen(Time start, Time end, long delta, boolean applied, long value, long version, Instant until) {

        static Seen applied(Time start, long delta, Answer answer) {
            var json =
                    answer.json().has("results") ? answer.json().path("results").get(0) : answer.json();
            return new Seen(
                    start,
                    Time.now(),
                    delta,
                    true,
                    json.path("value").asLong(),
                    json.path("version").asLong(),
                    Instant.MAX);
        }

        static Seen refused(Time start, long delta, Answer answer) {
            return new Seen(
                    start,
                    Time.now(),
                    delta,
                    false,
                    answer.json().path("value").asLong(),
                    0,
                    Instant.parse(answer.json().path("end").asString()));
        }
    }

    /** A counter with the range of its values. */
    private record Quota(String name, long min, long max) {

        String path() {
            return "quota/" + name;
        }

        boolean admits(long value) {
            return value >= min && value <= max;
        }
    }

    @Test
    void eachOperationCountsInExactlyOnePeriod() throws Exception {
        int history = HISTORIES.getAndIncrement();
        Quota tight = new Quota("tight-" + history, 0, 20);
        Quota wide = new Quota("wide-" + history, -100_000, 100_000);
        String total = "quota/total-" + history;
        List<Seen> ofTight = new ArrayList<>(List.of(create(tight)));
        List<Seen> ofWide = new ArrayList<>(List.of(create(wide)));
        List<Long> ofTotal = new ArrayList<>();
        client(0).put(total, "{\"period\":{\"every\":\"PT1H\"}}");
        Map<String, Long> before = new HashMap<>();
        List.of("fast", "keyed", "read", "conditional").forEach(path -> before.put(path, batches(path)));
        long deadline = System.nanoTime() + RUN.toNanos();

        for (Work work : Clients.atOnce(CLIENTS, client -> new Work(client, tight, wide, total).until(deadline))) {
            ofTight.addAll(work.ofTight);
            ofWide.addAll(work.ofWide);
            ofTotal.addAll(work.ofTotal);
        }

        check(tight, ofTight);
        check(wide, ofWide);
        assertThat(client(1).value(total) + sum(ended(total)))
                .isEqualTo(ofTotal.stream().mapToLong(delta -> delta).sum());
        assertThat(ofTight.stream().filter(seen -> !seen.applied()))
                .as("refused")
                .isNotEmpty();
        before.forEach((path, batches) -> assertThat(batches(path)).as(path).isGreaterThan(batches));
        client(0).requireBalancedBooks();
    }

    /** The creation is the first operation. */
    private Seen create(Quota quota) {
        Time start = Time.now();
        String body = "{\"min\":%d,\"max\":%d,\"period\":{\"every\":\"PT1S\"}}".formatted(quota.min(), quota.max());
        Answer answer = client(0).put(quota.path(), body);
        assertThat(answer.status()).isEqualTo(201);
        return Seen.applied(start, 0, answer);
    }

    /** What one client does. */
    private final class Work {

        private final int client;
        private final Quota tight;
        private final Quota wide;
        private final String total;
        private final Random random;
        private final List<Seen> ofTight = new ArrayList<>();
        private final List<Seen> ofWide = new ArrayList<>();
        private final List<Long> ofTotal = new ArrayList<>();

        Work(int client, Quota tight, Quota wide, String total) {
            this.client = client;
            this.tight = tight;
            this.wide = wide;
            this.total = total;
            this.random = new Random(client);
        }

        Work until(long deadline) {
            for (int i = 0; System.nanoTime() - deadline < 0; i++) {
                switch (random.nextInt(5)) {
                    case 0 -> transact(random.nextInt(-1, 4));
                    case 1 -> keyed(random.nextInt(-1, 4), tight.name() + "-" + client + "-" + i);
                    case 2 -> increment(tight, ofTight, random.nextInt(-2, 4));
                    case 3 -> increment(wide, ofWide, random.nextInt(-2, 4));
                    default -> increment(wide, ofWide, 1, "Idempotency-Key", tight.name() + "-" + client + "-" + i);
                }
            }
            return this;
        }

        private void increment(Quota quota, List<Seen> seen, long delta, String... headers) {
            Time start = Time.now();
            Answer answer = client(client).increment(quota.path(), delta, headers);
            seen.add(seen(quota, start, delta, answer));
        }

        private void keyed(long delta, String key) {
            Time start = Time.now();
            String[] headers = {"Idempotency-Key", key};
            Answer answer = client(client).increment(tight.path(), delta, headers);
            Seen seen = seen(tight, start, delta, answer);
            ofTight.add(seen);
            if (seen.applied()) {
                Answer again = client(client + 1).increment(tight.path(), delta, headers);
                assertThat(again.body()).isEqualTo(answer.body());
                assertThat(again.header("Idempotency-Replayed")).isEqualTo("true");
            }
        }

        private void transact(long delta) {
            String body = ("{\"increments\":[{\"namespace\":\"quota\",\"name\":\"%s\",\"delta\":%d},"
                            + "{\"namespace\":\"quota\",\"name\":\"%s\",\"delta\":5}]}")
                    .formatted(tight.name(), delta, total.substring("quota/".length()));
            Time start = Time.now();
            Answer answer = client(client).send("POST", "/v1/transactions", body);
            Seen seen = seen(tight, start, delta, answer);
            ofTight.add(seen);
            if (seen.applied()) {
                ofTotal.add(5L);
            }
        }
    }

    private static Seen seen(Quota quota, Time start, long delta, Answer answer) {
        if (answer.status() == 200) {
            return Seen.applied(start, delta, answer);
        }
        assertThat(answer.problem()).as(answer.body()).isEqualTo("bound-exceeded");
        if (quota.admits(delta)) {
            assertThat(Integer.parseInt(answer.header("Retry-After"))).isPositive();
        } else {
            assertThat(answer.header("Retry-After"))
                    .as("the next period has no room")
                    .isEmpty();
        }
        return Seen.refused(start, delta, answer);
    }

    /** A period with operations, in the order of their versions. */
    private record Used(Instant start, Instant end, long value, List<Seen> operations) {}

    private record Ended(Instant start, Instant end, long value) {}

    /** The ended periods, the first one first. */
    private List<Ended> ended(String counter) {
        Answer answer = client(0).get("/v1/counters/" + counter + "/periods?limit=1000");
        assertThat(answer.status()).isEqualTo(200);
        return StreamSupport.stream(answer.json().path("items").spliterator(), false)
                .map(item -> new Ended(
                        Instant.parse(item.path("start").asString()),
                        Instant.parse(item.path("end").asString()),
                        item.path("value").asLong()))
                .toList()
                .reversed();
    }

    private static long sum(List<Ended> periods) {
        return periods.stream().mapToLong(Ended::value).sum();
    }

    private void check(Quota quota, List<Seen> all) throws InterruptedException {
        List<Seen> applied = all.stream()
                .filter(Seen::applied)
                .sorted(Comparator.comparingLong(Seen::version))
                .toList();
        Clients.await(
                "the next period",
                Clients.PATIENCE,
                () -> version(quota) > applied.getLast().version());

        List<Ended> ended = ended(quota.path());
        assertThat(client(1).value(quota.path()) + sum(ended))
                .isEqualTo(applied.stream().mapToLong(Seen::delta).sum());
        assertThat(ended).as("boundaries").hasSizeGreaterThanOrEqualTo(8);
        assertThat(ended).allSatisfy(period -> {
            assertThat(Duration.between(period.start(), period.end())).isEqualTo(PERIOD);
            assertThat(period.start()).isEqualTo(period.start().truncatedTo(ChronoUnit.SECONDS));
            assertThat(period.value()).matches(quota::admits);
        });
        requireRealTime(applied);
        List<Used> used = used(applied, ended);
        used.forEach(PeriodsIT::requireOneOrder);
        Map<Instant, Used> byEnd = new HashMap<>();
        used.forEach(period -> byEnd.put(period.end(), period));
        all.stream().filter(seen -> !seen.applied()).forEach(seen -> requireRefusal(quota, seen, byEnd));
    }

    private long version(Quota quota) {
        return client(0)
                .get("/v1/counters/" + quota.path())
                .json()
                .path("version")
                .asLong();
    }

    /** Versions grow along real time, and no two operations have the same. */
    private static void requireRealTime(List<Seen> applied) {
        long latestStart = Long.MIN_VALUE;
        long version = 0;
        for (Seen seen : applied) {
            assertThat(seen.version()).isGreaterThan(version);
            assertThat(seen.end().nanos()).isGreaterThan(latestStart);
            latestStart = Math.max(latestStart, seen.start().nanos());
            version = seen.version();
        }
    }

    /** Assigns the operations to the periods: each period that begins raises the version by one more. */
    private static List<Used> used(List<Seen> applied, List<Ended> ended) {
        List<Used> used = new ArrayList<>();
        for (Seen seen : applied) {
            Seen before = used.isEmpty() ? null : used.getLast().operations().getLast();
            if (before == null || seen.version() > before.version() + 1) {
                assertThat(ended.size()).as("periods with operations").isGreaterThan(used.size());
                Ended period = ended.get(used.size());
                if (before != null) {
                    long begun =
                            Duration.between(used.getLast().end(), period.end()).toSeconds();
                    assertThat(seen.version()).isEqualTo(before.version() + begun + 1);
                }
                used.add(new Used(period.start(), period.end(), period.value(), new ArrayList<>()));
            }
            used.getLast().operations().add(seen);
        }
        assertThat(used).as("periods with operations").hasSameSizeAs(ended);
        return used;
    }

    /** Each value follows from the one before, within the time of the period. */
    private static void requireOneOrder(Used period) {
        long value = 0;
        for (Seen seen : period.operations()) {
            value += seen.delta();
            assertThat(seen.value()).isEqualTo(value);
            assertThat(seen.start().wall()).isBefore(period.end());
            assertThat(seen.end().wall()).isAfterOrEqualTo(period.start());
        }
        assertThat(period.value()).isEqualTo(value);
    }

    /** At some moment of the refused operation, the period had no room for it. */
    private static void requireRefusal(Quota quota, Seen refused, Map<Instant, Used> byEnd) {
        assertThat(quota.admits(refused.value() + refused.delta())).isFalse();
        assertThat(refused.start().wall()).isBefore(refused.until());
        assertThat(refused.end().wall()).isAfterOrEqualTo(refused.until().minus(PERIOD));
        Used period = byEnd.get(refused.until());
        List<Seen> operations = period == null ? List.of() : period.operations();
        boolean found = refused.value() == 0 && !isOver(0, operations, refused);
        for (int i = 0; i < operations.size(); i++) {
            found |= operations.get(i).value() == refused.value()
                    && operations.get(i).start().nanos() < refused.end().nanos()
                    && !isOver(i + 1, operations, refused);
        }
        assertThat(found).as("%s in %s", refused, operations).isTrue();
    }

    /** Whether the state before an operation was over when the refused one began. */
    private static boolean isOver(int operation, List<Seen> operations, Seen refused) {
        return operation < operations.size()
                && operations.get(operation).end().nanos() < refused.start().nanos();
    }
}
