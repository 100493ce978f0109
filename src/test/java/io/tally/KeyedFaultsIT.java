package io.tally;

import static org.assertj.core.api.Assertions.assertThat;

import io.tally.testing.Clients;
import io.tally.testing.Database;
import io.tally.testing.EmbeddedPostgres;
import io.tally.testing.TallyClient;
import io.tally.testing.TallyClient.Answer;
import io.tally.testing.TallyProcess;
import java.io.UncheckedIOException;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicLong;
import java.util.stream.LongStream;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/**
 * Clients that give each increment a key and send it until they are answered, while PostgreSQL and the service itself
 * are killed under them: every key is applied once, and every value is given to one of them. Runs on a PostgreSQL of
 * its own.
 */
@Timeout(600)
@Tag("four-shards-endurance")
class KeyedFaultsIT {

    private static final int CLIENTS = 16;
    private static final List<String> COUNTERS = List.of("faults/plain", "faults/bounded");

    private final Map<String, Map<String, Long>> values = new HashMap<>();
    private final AtomicLong answered = new AtomicLong();
    private final AtomicLong replayed = new AtomicLong();
    private final AtomicBoolean loading = new AtomicBoolean(true);

    @Test
    void everyKeyIsAppliedOnceThoughBothAreKilled() throws Exception {
        killBoth(/* roundsMin= */ 1, /* roundsMax= */ 1);
    }

    /** Until an answer was lost that had been committed: more often than not the first time. */
    @Test
    @Tag("endurance")
    @Tag("faults")
    void everyKeyIsAppliedOnceThoughBothAreKilledAgainAndAgain() throws Exception {
        killBoth(/* roundsMin= */ 3, /* roundsMax= */ 30);
        assertThat(replayed).as("some were applied and not answered at first").hasPositiveValue();
    }

    private void killBoth(int roundsMin, int roundsMax) throws Exception {
        COUNTERS.forEach(counter -> values.put(counter, new ConcurrentHashMap<>()));
        try (EmbeddedPostgres postgres = EmbeddedPostgres.startTemporary()) {
            Database database = postgres.createDatabase("tally");
            try (TallyProcess tally = TallyProcess.start(database);
                    ExecutorService executor = Executors.newVirtualThreadPerTaskExecutor()) {
                TallyClient client = new TallyClient(tally.uri());
                client.put("faults/bounded", "{\"min\":0,\"max\":1000000000}");
                List<Future<?>> load = new ArrayList<>();
                for (int i = 0; i < CLIENTS; i++) {
                    int index = i;
                    load.add(executor.submit(() -> incrementWhileLoading(client, index)));
                }
                awaitProgress();
                for (int i = 0; i < roundsMin || (replayed.get() == 0 && i < roundsMax); i++) {
                    postgres.kill();
                    postgres.restart();
                    awaitProgress();
                    tally.killAndRestart();
                    // Those whose answer was lost are answered meanwhile.
                    awaitProgress();
                }
                loading.set(false);
                for (Future<?> future : load) {
                    future.get();
                }

                for (String counter : COUNTERS) {
                    check(client, counter);
                }
                assertThat(database.sum("select count(*) from idempotency_key")).isEqualTo(answered.get());
                client.requireBalancedBooks();
            }
        }
    }

    private void incrementWhileLoading(TallyClient client, int index) {
        String counter = COUNTERS.get(index % COUNTERS.size());
        for (int i = 0; loading.get(); i++) {
            String key = index + "-" + i;
            Answer answer = untilAnswered(client, counter, key);
            Map<String, Long> given = values.get(counter);
            if (given == null || given.put(key, answer.json().path("value").asLong()) != null) {
                throw new AssertionError(key);
            }
            answered.incrementAndGet();
            replayed.addAndGet(answer.header("Idempotency-Replayed").isEmpty() ? 0 : 1);
        }
    }

    private static Answer untilAnswered(TallyClient client, String counter, String key) {
        while (true) {
            try {
                Answer answer = client.increment(counter, 1, "Idempotency-Key", key);
                if (answer.status() == 200) {
                    return answer;
                }
                assertThat(answer.status()).as(answer.body()).isEqualTo(503);
            } catch (UncheckedIOException broken) {
                // The outcome is unknown, so the client retries with the same key.
                Thread.onSpinWait();
            }
        }
    }

    private void awaitProgress() throws InterruptedException {
        long target = answered.get() + 200;
        Clients.await("200 more", Clients.PATIENCE, () -> answered.get() >= target);
    }

    private void check(TallyClient client, String counter) {
        Map<String, Long> given = values.getOrDefault(counter, Map.of());
        assertThat(given.values())
                .containsExactlyInAnyOrderElementsOf(
                        LongStream.rangeClosed(1, given.size()).boxed().toList());
        assertThat(client.value(counter)).isEqualTo(given.size());
        given.forEach((key, value) -> {
            if (value % 50 == 0) {
                Answer again = untilAnswered(client, counter, key);
                assertThat(again.header("Idempotency-Replayed")).isEqualTo("true");
                assertThat(again.json().path("value").asLong()).isEqualTo(value);
            }
        });
    }
}
