package io.tally.period;

import static org.assertj.core.api.Assertions.assertThat;

import io.tally.testing.Clients;
import io.tally.testing.TallyClient;
import io.tally.testing.TallyClient.Answer;
import java.io.UncheckedIOException;
import java.net.URI;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.locks.LockSupport;
import java.util.stream.StreamSupport;
import tools.jackson.databind.JsonNode;

/**
 * Clients that increment two counters with periods of a second by 1: a plain one, one with a maximum, or both in a
 * transaction. Each operation has an idempotency key. A client retries it, at the instances in turn, until it is
 * applied. So the history of each counter is known exactly. The database runs on the machine of the clients, so that
 * both have the same clock.
 */
final class PeriodLoad implements AutoCloseable {

    static final String PLAIN = "quota/plain";
    static final String BOUNDED = "quota/bounded";
    static final long MAX = 60;

    private static final long BACK_OFF_NANOS = Duration.ofMillis(20).toNanos();

    /** Instances whose clock is off by 30 s would say more. A stalled transaction may say a little more than 1. */
    private static final long RETRY_AFTER_MAX = 10;

    private final List<TallyClient> instances;
    private final Map<String, Queue<Counted>> histories =
            Map.of(PLAIN, new ConcurrentLinkedQueue<>(), BOUNDED, new ConcurrentLinkedQueue<>());
    private final AtomicLong answered = new AtomicLong();
    private final AtomicLong replayed = new AtomicLong();
    private final AtomicLong refused = new AtomicLong();
    private final AtomicLong failed = new AtomicLong();
    private final AtomicBoolean loading = new AtomicBoolean(true);
    private final ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor();
    private final List<Future<?>> clients = new ArrayList<>();

    /** An increment that was applied between its first request and its response. */
    private record Counted(long version, long value, Instant sent, Instant received) {}

    private record Ended(Instant start, Instant end, long value) {

        static Ended of(JsonNode json) {
            return new Ended(
                    Instant.parse(json.path("start").asString()),
                    Instant.parse(json.path("end").asString()),
                    json.path("value").asLong());
        }
    }

    private PeriodLoad(List<URI> instances) {
        this.instances = instances.stream().map(TallyClient::new).toList();
    }

    /** Creates the counters and starts clients at those instances. */
    static PeriodLoad start(int clients, URI... instances) {
        PeriodLoad load = new PeriodLoad(List.of(instances));
        load.create(PLAIN, "{\"period\":{\"every\":\"PT1S\"}}");
        load.create(BOUNDED, "{\"max\":" + MAX + ",\"period\":{\"every\":\"PT1S\"}}");
        for (int i = 0; i < clients; i++) {
            int client = i;
            load.clients.add(load.threads.submit(() -> load.run(client)));
        }
        return load;
    }

    private void create(String counter, String body) {
        assertThat(instances.getFirst().put(counter, body).status()).isEqualTo(201);
    }

    long replayed() {
        return replayed.get();
    }

    /** The number of operations that were applied, each under a key of its own. */
    long answered() {
        return answered.get();
    }

    private void run(int client) {
        for (int i = 0; loading.get(); i++) {
            String key = client + "-" + i;
            Instant sent = Instant.now();
            Answer answer = untilApplied(client, key);
            record(client, answer.json(), sent);
            answered.incrementAndGet();
            replayed.addAndGet(answer.header("Idempotency-Replayed").isEmpty() ? 0 : 1);
        }
    }

    private void record(int client, JsonNode answer, Instant sent) {
        switch (client % 4) {
            case 0 -> record(BOUNDED, answer, sent);
            case 1 -> {
                record(BOUNDED, answer.path("results").path(0), sent);
                record(PLAIN, answer.path("results").path(1), sent);
            }
            default -> record(PLAIN, answer, sent);
        }
    }

    private void record(String counter, JsonNode result, Instant sent) {
        history(counter)
                .add(new Counted(
                        result.path("version").asLong(), result.path("value").asLong(), sent, Instant.now()));
    }

    private Queue<Counted> history(String counter) {
        return histories.getOrDefault(counter, new ConcurrentLinkedQueue<>());
    }

    private Answer untilApplied(int client, String key) {
        for (int attempt = client; ; attempt++) {
            try {
                Answer answer = send(instances.get(attempt % instances.size()), client, key);
                switch (answer.status()) {
                    case 200 -> {
                        return answer;
                    }
                    case 409 -> awaitEnd(answer);
                    case 503 -> backOff();
                    default -> throw new AssertionError(answer);
                }
            } catch (UncheckedIOException broken) {
                backOff();
            }
        }
    }

    private static Answer send(TallyClient instance, int client, String key) {
        return switch (client % 4) {
            case 0 -> instance.increment(BOUNDED, 1, "Idempotency-Key", key);
            case 1 -> instance.send("POST", "/v1/transactions", """
                        {"increments":[{"namespace":"quota","name":"bounded","delta":1},
                                       {"namespace":"quota","name":"plain","delta":1}]}
                        """, "Idempotency-Key", key);
            default -> instance.increment(PLAIN, 1, "Idempotency-Key", key);
        };
    }

    private void backOff() {
        failed.incrementAndGet();
        LockSupport.parkNanos(BACK_OFF_NANOS);
    }

    /** Waits for the next period, so that many requests come at its start. */
    private void awaitEnd(Answer refusal) {
        refused.incrementAndGet();
        assertThat(refusal.problem()).as(refusal.body()).isEqualTo("bound-exceeded");
        assertThat(refusal.json().path("value").asLong()).isEqualTo(MAX);
        assertThat(Long.parseLong(refusal.header("Retry-After"))).isBetween(1L, RETRY_AFTER_MAX);
        Instant end = Instant.parse(refusal.json().path("end").asString());
        assertThat(end).isBefore(Instant.now().plusSeconds(RETRY_AFTER_MAX));
        LockSupport.parkUntil(end.toEpochMilli());
    }

    /** Ends the load and checks both histories. */
    void check() throws InterruptedException, ExecutionException {
        loading.set(false);
        for (Future<?> client : clients) {
            client.get();
        }
        for (String counter : List.of(PLAIN, BOUNDED)) {
            Clients.await(
                    "the end of the last period",
                    Clients.PATIENCE,
                    () -> instances.getLast().value(counter) == 0);
            check(counter);
        }
        assertThat(refused.get()).as("refused").isPositive();
        instances.forEach(TallyClient::requireBalancedBooks);
    }

    /**
     * The ended periods explain each response. The first one has version 1 from the creation. In each period, the
     * values and versions have no gap. Each period begun in between, even one without operations, raises the version.
     */
    private void check(String counter) {
        List<Counted> history = history(counter).stream()
                .sorted(Comparator.comparingLong(Counted::version))
                .toList();
        List<Ended> periods = periods(counter);
        Instant start = periods.getFirst().start();
        long version = 1;
        int place = 0;
        for (Ended period : periods) {
            assertThat(period.end()).isEqualTo(period.start().plusSeconds(1));
            assertThat(period.value()).isBetween(0L, counter.equals(BOUNDED) ? MAX : Long.MAX_VALUE);
            version += Duration.between(start, period.start()).toSeconds();
            start = period.start();
            for (long value = 1; value <= period.value(); value++) {
                version++;
                assertThat(place).as("%s ended with lost operations", period).isLessThan(history.size());
                Counted counted = history.get(place);
                place++;
                assertThat(counted.version()).as("%s in %s", counted, period).isEqualTo(version);
                assertThat(counted.value()).as("%s in %s", counted, period).isEqualTo(value);
                assertThat(counted.sent()).as("%s in %s", counted, period).isBefore(period.end());
                assertThat(counted.received()).as("%s in %s", counted, period).isAfterOrEqualTo(period.start());
            }
        }
        assertThat(place).as("operations in ended periods").isEqualTo(history.size());
    }

    /** The ended periods, the first one first. */
    private List<Ended> periods(String counter) {
        List<Ended> periods = new ArrayList<>();
        String page = "/v1/counters/" + counter + "/periods?limit=20";
        String cursor = "";
        do {
            JsonNode answer = instances.getFirst().get(page + cursor).json();
            StreamSupport.stream(answer.path("items").spliterator(), false)
                    .map(Ended::of)
                    .forEach(periods::addFirst);
            cursor = answer.path("next").asString("");
            cursor = cursor.isEmpty() ? "" : "&cursor=" + cursor;
        } while (!cursor.isEmpty());
        return periods;
    }

    /** Lets the clients stop after the current operation of each. */
    @Override
    public void close() {
        loading.set(false);
        threads.shutdownNow();
    }

    @Override
    public String toString() {
        return "%d applied, %d of them replayed; %d refused, %d without an outcome"
                .formatted(answered.get(), replayed.get(), refused.get(), failed.get());
    }
}
