package io.tally.shard;

import static org.assertj.core.api.Assertions.assertThat;

import io.tally.snapshot.SnapshotFixture;
import io.tally.testing.Clients;
import io.tally.testing.Database;
import io.tally.testing.EventStream;
import io.tally.testing.Postgres;
import io.tally.testing.TallyClient;
import io.tally.testing.TallyClient.Answer;
import io.tally.testing.TallyServer;
import java.sql.Connection;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicBoolean;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import tools.jackson.databind.JsonNode;

/** One of four shards is away: the others go on at once, and it does after its return. */
@Tag("one-shard") // It chooses the number itself.
@Timeout(300)
class ShardAwayIT {

    private static final int AWAY = 2;
    private static final List<Integer> OTHERS = List.of(1, 3, 4);

    /** A request that waits for the shard that is away waits this long. */
    private static final Duration LOCK_MAX = Duration.ofSeconds(4);

    /** A request of another shard takes milliseconds; the rest is for a busy machine. */
    private static final Duration AT_ONCE = Duration.ofSeconds(3);

    /** Background work begins each second. */
    private static final Duration SOON = Duration.ofSeconds(30);

    private static Database database;
    private static TallyServer server;
    private static TallyClient client;
    private static TallyClient management;

    @BeforeAll
    static void start() throws SQLException {
        database = Postgres.shared().createEmptyDatabase();
        server = Shards.start(
                database,
                "tally.watch.interval",
                "20ms",
                "tally.idempotency.retention",
                "1s",
                "tally.audit.timeout",
                "5s",
                "tally.pipeline.wait-max",
                "4s",
                "tally.database.lock-timeout",
                LOCK_MAX.toSeconds() + "s",
                "tally.database.statement-timeout",
                LOCK_MAX.plusSeconds(1).toSeconds() + "s");
        client = new TallyClient(server.uri());
        management = new TallyClient(server.managementUri());
    }

    @AfterAll
    static void stop() {
        server.close();
    }

    @Test
    void anotherNameOfTheSchema() throws Exception {
        try (Scene scene = new Scene(/* clients= */ 1)) {
            database.execute("alter schema tally_2 rename to away");
            try {
                scene.awaitDown();
                scene.othersGoOn();
            } finally {
                database.execute("alter schema away rename to tally_2");
            }
            scene.allGoOn();
        }
    }

    @Test
    void aLockOnItsTables() throws Exception {
        try (Scene scene = new Scene(/* clients= */ 4)) {
            try (Connection other = database.connect();
                    Statement statement = other.createStatement()) {
                other.setAutoCommit(false);
                statement.execute("lock table tally_2.counter, tally_2.writer in access exclusive mode");
                // Those of the lane, of reads and of lists.
                Clients.await("sessions wait", SOON, () -> waiting() >= 3);
                scene.othersGoOn();
                other.rollback();
            }
            scene.allGoOn();
        }
    }

    private static long waiting() {
        try {
            return database.queryLong("select count(*) from pg_stat_activity where datname = current_database()"
                    + " and wait_event_type = 'Lock'");
        } catch (SQLException e) {
            throw new IllegalStateException(e);
        }
    }

    /** A namespace in each shard with a counter, a name, a live stream, and clients that go on all the time. */
    private static final class Scene implements AutoCloseable {

        private final List<String> namespaces = Shards.namespaces();
        private final List<EventStream> streams = new ArrayList<>();
        private final ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor();
        private final AtomicBoolean loading = new AtomicBoolean(true);
        private final List<Future<?>> load = new ArrayList<>();

        Scene(int clients) {
            for (int shard : Shards.numbers()) {
                assertThat(increment(shard, "a").status()).isEqualTo(200);
                assertThat(client.send("POST", "/v1/names/" + of(shard), "[\"n\"]")
                                .status())
                        .isEqualTo(200);
                streams.add(new EventStream(server.uri(), "/v1/counters/" + of(shard) + "/a/events"));
            }
            // These wait for the shard that is away, as many as its queue would have in production.
            for (int i = 0; i < clients; i++) {
                load.add(threads.submit(() -> {
                    TallyClient waiting = new TallyClient(server.uri());
                    while (loading.get()) {
                        waiting.increment(of(AWAY) + "/load", 1);
                        waiting.get("/v1/counters/" + of(AWAY) + "/load");
                        waiting.get("/v1/counters/" + of(AWAY) + "?sort=value");
                        waiting.send("POST", "/v1/names/" + of(AWAY), "[\"m\"]");
                    }
                }));
            }
        }

        private String of(int shard) {
            return namespaces.get(shard - 1);
        }

        private Answer increment(int shard, String name) {
            return client.increment(of(shard) + "/" + name, 1);
        }

        void othersGoOn() throws Exception {
            // Its worker takes one job at a time.
            client.post("/v1/snapshots/" + of(AWAY));
            for (int shard : OTHERS) {
                operationsGoOn(shard);
            }
            assertThat(client.get("/readyz").status()).isEqualTo(200);
            onlyItsItemsHaveProblems();
            for (int shard : OTHERS) {
                backgroundWorkGoesOn(shard);
            }
            theAuditNamesIt();
        }

        private void operationsGoOn(int shard) throws Exception {
            String namespace = of(shard);
            String counter = namespace + "/a";
            long next = client.value(counter) + 1;
            quick(200, () -> client.increment(counter, 1));
            quick(200, () -> client.get("/v1/counters/" + counter));
            assertThat(client.value(counter)).isEqualTo(next);
            quick(() -> streams.get(shard - 1).awaitVersion("a", next));
            try (EventStream late = new EventStream(server.uri(), "/v1/counters/" + counter + "/events")) {
                quick(() -> late.awaitVersion("a", next));
            }
            quick(200, () -> client.send("POST", "/v1/names/" + namespace, "[\"n\",\"n" + next + "\"]"));
            quick(200, () -> client.get("/v1/names/" + namespace + "/n"));
            quick(200, () -> client.get("/v1/counters/" + namespace + "?sort=name"));
            quick(200, () -> client.get("/v1/counters/" + namespace + "?sort=-value"));
            quick(200, () -> client.get("/v1/counters/" + counter + "/periods"));
            quick(200, () -> client.increment(namespace + "/keyed", 1, "Idempotency-Key", "k" + next));
            String transfer = "{\"increments\":[" + item(namespace, "t") + "," + item(namespace, "u") + "]}";
            quick(200, () -> client.send("POST", "/v1/transactions", transfer));
            quick(201, () -> client.post("/v1/tokens/" + namespace));
        }

        private static void quick(int status, Callable<Answer> request) throws Exception {
            Answer answer = quick(request);
            assertThat(answer.status()).as(answer.body()).isEqualTo(status);
        }

        private static <T> T quick(Callable<T> request) throws Exception {
            long begun = System.nanoTime();
            T result = request.call();
            assertThat(Duration.ofNanos(System.nanoTime() - begun)).isLessThan(AT_ONCE);
            return result;
        }

        private static void ok(Answer answer) {
            assertThat(answer.status()).as(answer.body()).isEqualTo(200);
        }

        private String item(String namespace, String name) {
            return "{\"namespace\":\"" + namespace + "\",\"name\":\"" + name + "\",\"delta\":1}";
        }

        private void onlyItsItemsHaveProblems() {
            List<String> items = new ArrayList<>();
            for (int i = 0; i < 3; i++) {
                namespaces.forEach(namespace -> items.add(item(namespace, "bulk")));
            }
            Answer array = client.send("POST", "/v1/increments", items.toString());
            ok(array);
            for (int i = 0; i < items.size(); i++) {
                JsonNode answer = array.json().get(i);
                boolean away = i % Shards.COUNT + 1 == AWAY;
                assertThat(answer.has("problem")).as("item %d: %s", i, answer).isEqualTo(away);
                assertThat(answer.path("value").asLong()).isEqualTo(away ? 0 : i / Shards.COUNT + 1);
            }
        }

        /** Pruning, sweeps, orders of lists and snapshots. */
        private void backgroundWorkGoesOn(int shard) throws Exception {
            String schema = "tally_" + shard;
            String namespace = of(shard);
            assertThat(client.put(namespace + "/expired", "{\"expiresAt\":\"2999-01-01T00:00:00Z\"}")
                            .status())
                    .isEqualTo(201);
            database.execute(
                    "update " + schema + ".counter set expires_at = now() where namespace = ? and name = 'expired'",
                    namespace);
            Clients.await(
                    "a sweep of shard " + shard,
                    SOON,
                    database.is(
                            0,
                            "select count(*) from " + schema + ".counter where namespace = ? and name = 'expired'",
                            namespace));
            Clients.await(
                    "pruning of shard " + shard,
                    SOON,
                    database.is(
                            0, "select count(*) from " + schema + ".idempotency_key where namespace = ?", namespace));
            SnapshotFixture.awaitDone(client, SnapshotFixture.start(client, namespace));
        }

        private void awaitDown() throws InterruptedException {
            Clients.await("down", SOON, () -> management.get("/actuator/health").status() == 503);
            JsonNode store = management.get("/actuator/health").json().at("/components/store");
            assertThat(store.path("status").asString()).isEqualTo("DOWN");
            assertThat(store.at("/details/lanes").toString())
                    .contains("shard 2")
                    .doesNotContain("shard 1", "shard 3");
        }

        private void theAuditNamesIt() {
            Answer audit = client.post("/v1/audits");
            assertThat(audit.status()).as(audit.body()).isEqualTo(503);
            assertThat(audit.problem()).isEqualTo("store-unavailable");
            assertThat(audit.json().path("shard").asInt()).isEqualTo(AWAY);
            assertThat(audit.json().path("detail").asString()).contains("shard 2");
        }

        void allGoOn() throws Exception {
            Clients.await("up", SOON, () -> management.get("/actuator/health").status() == 200);
            loading.set(false);
            for (Future<?> future : load) {
                future.get();
            }
            for (int shard : OTHERS) {
                operationsGoOn(shard);
            }
            // The poll of its streams rests in proportion to the time that it took.
            long next = client.value(of(AWAY) + "/a") + 1;
            assertThat(increment(AWAY, "a").status()).isEqualTo(200);
            streams.get(AWAY - 1).awaitVersion("a", next);
            backgroundWorkGoesOn(AWAY);
            client.requireBalancedBooks();
        }

        @Override
        public void close() {
            loading.set(false);
            threads.close();
            streams.forEach(EventStream::close);
        }
    }
}
