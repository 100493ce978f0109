package io.tally.snapshot;

import static org.assertj.core.api.Assertions.assertThat;

import io.tally.testing.Clients;
import io.tally.testing.Database;
import io.tally.testing.Postgres;
import io.tally.testing.TallyClient;
import io.tally.testing.TallyClient.Answer;
import io.tally.testing.TallyServer;
import java.sql.Connection;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Snapshots, on two instances of one database. */
@Tag("four-shards")
@Timeout(600)
class SnapshotsIT {

    private static final String KEY = "Idempotency-Key";

    private static Database database;
    private static TallyServer one;
    private static TallyServer other;
    private static TallyClient client;
    private static TallyClient otherClient;

    @BeforeAll
    static void start() throws Exception {
        database = Postgres.shared().createDatabase();
        one = TallyServer.start(database);
        other = TallyServer.start(database);
        client = new TallyClient(one.uri());
        otherClient = new TallyClient(other.uri());
    }

    @AfterAll
    static void stop() {
        one.close();
        other.close();
    }

    @AfterEach
    void booksBalance() {
        client.requireBalancedBooks();
    }

    private static String fresh() {
        return "ns-" + UUID.randomUUID();
    }

    @Test
    void copiesEveryValueAndChangesNothingElse() throws Exception {
        String namespace = fresh();
        client.increment(namespace + "/a", 5);
        client.put(namespace + "/b", "{\"initial\":7,\"min\":0}");
        client.increment(namespace + "-not/a", 9);
        String before = counters(namespace, "value, version, updated_at");

        Answer answer = client.post("/v1/snapshots/" + namespace);
        assertThat(answer.status()).isEqualTo(202);
        assertThat(answer.header("Location"))
                .isEqualTo("/v1/jobs/" + answer.json().path("id").asString());
        assertThat(answer.json().propertyNames())
                .containsExactlyInAnyOrder(
                        "id", "kind", "namespace", "state", "done", "total", "startedAt", "finishedAt");
        assertThat(answer.json().path("kind").asString()).isEqualTo("snapshot");
        assertThat(answer.json().path("namespace").asString()).isEqualTo(namespace);
        assertThat(answer.json().path("state").asString()).isEqualTo("running");
        assertThat(answer.json().path("done").asLong()).isZero();
        assertThat(answer.json().path("total").isNull()).isTrue();
        assertThat(answer.json().path("finishedAt").isNull()).isTrue();

        Answer done = SnapshotFixture.awaitDone(client, answer.header("Location"));
        assertThat(done.json().path("done").asLong()).isEqualTo(2);
        assertThat(done.json().path("total").asLong()).isEqualTo(2);
        assertThat(Instant.parse(done.json().path("finishedAt").asString()))
                .isAfter(Instant.parse(done.json().path("startedAt").asString()));
        assertThat(counters(namespace, "snapshot_value")).isEqualTo("(5),(7)");
        assertThat(counters(namespace, "value, version, updated_at")).isEqualTo(before);
        assertThat(counters(namespace + "-not", "coalesce(snapshot_value::text, 'null')"))
                .isEqualTo("(null)");

        client.increment(namespace + "/a", 1);
        SnapshotFixture.awaitDone(client, SnapshotFixture.start(otherClient, namespace));
        assertThat(counters(namespace, "snapshot_value")).isEqualTo("(6),(7)");
    }

    private static String counters(String namespace, String columns) throws Exception {
        return database.of(namespace)
                .queryString(
                        "select string_agg(row(" + columns
                                + ")::text, ',' order by name) from counter where namespace = ?",
                        namespace);
    }

    @Test
    void anEmptyNamespaceIsDoneAtOnce() throws Exception {
        Answer done = SnapshotFixture.awaitDone(client, SnapshotFixture.start(client, fresh()));

        assertThat(done.json().path("done").asLong()).isZero();
        assertThat(done.json().path("total").asLong()).isZero();
    }

    /** A thousand at a time: the edges of a step. */
    @ParameterizedTest
    @ValueSource(ints = {999, 1_000, 1_001, 2_000})
    void noCounterIsLeftOut(int counters) throws Exception {
        String namespace = fresh();
        SnapshotFixture.fill(database, namespace, counters);

        Answer done = SnapshotFixture.awaitDone(client, SnapshotFixture.start(client, namespace));
        assertThat(done.json().path("done").asLong()).isEqualTo(counters);
        assertThat(done.json().path("total").asLong()).isEqualTo(counters);
        assertThat(database.of(namespace)
                        .queryLong(
                                "select count(*) from counter where namespace = ? and snapshot_value = value",
                                namespace))
                .isEqualTo(counters);
    }

    @Test
    void incrementsGoOnMeanwhile() throws Exception {
        incrementDuringASnapshot(/* counters= */ 100_000, /* senders= */ 8);
    }

    @Test
    @Tag("endurance")
    @Tag("faults")
    void manyIncrementsGoOnDuringALongSnapshot() throws Exception {
        incrementDuringASnapshot(/* counters= */ 300_000, /* senders= */ 16);
    }

    private static void incrementDuringASnapshot(int counters, int senders) throws Exception {
        String namespace = fresh();
        SnapshotFixture.fill(database, namespace, counters);
        database.of(namespace)
                .execute("create table before_" + namespace.replace('-', '_')
                        + " as select name, value from counter where namespace = '" + namespace + "'");
        List<String> moved = new ArrayList<>();
        for (int i = 1; i <= 64; i++) {
            moved.add(database.queryString("select 'c-' || md5(?::text)", String.valueOf(i * (counters / 75))));
        }

        AtomicBoolean loading = new AtomicBoolean(true);
        CompletableFuture<String> started = new CompletableFuture<>();
        AtomicInteger served = new AtomicInteger();
        List<Future<Map<String, Long>>> load = new ArrayList<>();
        Answer done;
        try (ExecutorService executor = Executors.newVirtualThreadPerTaskExecutor()) {
            for (int i = 0; i < senders; i++) {
                TallyClient sender = i % 2 == 0 ? client : otherClient;
                int offset = i;
                load.add(executor.submit(() -> {
                    Map<String, Long> added = new HashMap<>();
                    boolean servedMeanwhile = false;
                    for (int n = offset; loading.get(); n++) {
                        String name = moved.get(n % moved.size());
                        boolean begunMeanwhile = !servedMeanwhile && isUnderWay(sender, started.getNow(""), counters);
                        assertThat(sender.increment(namespace + "/" + name, 1).status())
                                .isEqualTo(200);
                        added.merge(name, 1L, Long::sum);
                        if (begunMeanwhile && isUnderWay(sender, started.getNow(""), counters)) {
                            servedMeanwhile = true;
                            served.incrementAndGet();
                        }
                    }
                    return added;
                }));
            }
            try {
                String job = SnapshotFixture.start(client, namespace);
                started.complete(job);
                done = SnapshotFixture.awaitDone(otherClient, job);
            } finally {
                loading.set(false);
            }
        }
        long added = 0;
        for (Future<Map<String, Long>> future : load) {
            added += future.get().values().stream().mapToLong(Long::longValue).sum();
        }

        assertThat(done.json().path("done").asLong()).isEqualTo(counters);
        assertThat(done.json().path("total").asLong()).isEqualTo(counters);
        assertThat(served)
                .as("clients with an increment that began and was acknowledged meanwhile")
                .hasValue(senders);
        assertThat(added).isPositive();
        String both = " from counter c join before_" + namespace.replace('-', '_')
                + " b using (name) where c.namespace = '" + namespace + "'";
        assertThat(database.of(namespace).queryLong("select sum(c.value - b.value)" + both))
                .isEqualTo(added);
        assertThat(database.of(namespace)
                        .queryLong("select count(*)" + both + " and c.snapshot_value between b.value and c.value"))
                .isEqualTo(counters);
        assertThat(database.of(namespace).queryLong("select count(*)" + both + " and c.snapshot_value > b.value"))
                .as("increments during the snapshot are in it where it had not reached their counter")
                .isBetween(1L, (long) moved.size());
    }

    /** Whether a job has begun and is not done. */
    private static boolean isUnderWay(TallyClient client, String job, int counters) {
        long done = job.isEmpty() ? 0 : SnapshotFixture.done(client, job);
        return done > 0 && done < counters;
    }

    @Test
    void ofRacersOneStartsAndTheOthersAreToldWhere() throws Exception {
        for (int round = 0; round < 5; round++) {
            String namespace = fresh();
            SnapshotFixture.fill(database, namespace, 2_000);
            List<Answer> answers;
            try (Connection holder = SnapshotFixture.holdLast(database, namespace)) {
                answers = Clients.atOnce(
                        8, racer -> (racer % 2 == 0 ? client : otherClient).post("/v1/snapshots/" + namespace));
                holder.rollback();
            }

            assertThat(answers.stream().filter(answer -> answer.status() == 202))
                    .hasSize(1);
            assertThat(answers.stream().filter(answer -> answer.status() == 409))
                    .hasSize(7)
                    .allSatisfy(answer -> assertThat(answer.problem()).isEqualTo("job-running"));
            assertThat(answers.stream().map(answer -> answer.header("Location")).distinct())
                    .hasSize(1);
            SnapshotFixture.awaitDone(client, answers.getFirst().header("Location"));
        }
    }

    @Test
    void eachNamespaceHasAJobOfItsOwn() throws Exception {
        String busy = fresh();
        SnapshotFixture.fill(database, busy, 20_000);
        String first = SnapshotFixture.start(client, busy);
        String second = SnapshotFixture.start(client, fresh());

        assertThat(second).isNotEqualTo(first);
        SnapshotFixture.awaitDone(client, second);
        SnapshotFixture.awaitDone(client, first);
    }

    @Test
    void aReplayGetsTheFirstAnswer() throws Exception {
        String namespace = fresh();
        String path = "/v1/snapshots/" + namespace;
        client.increment(namespace + "/a", 5);
        Answer first = client.send("POST", path, "", KEY, "nightly");
        SnapshotFixture.awaitDone(client, first.header("Location"));
        Answer again = otherClient.send("POST", path, "{}", KEY, "nightly");

        assertThat(first.status()).isEqualTo(202);
        assertThat(first.header("Idempotency-Replayed")).isEmpty();
        assertThat(again.status()).isEqualTo(202);
        assertThat(again.header("Idempotency-Replayed")).isEqualTo("true");
        assertThat(again.header("Location")).isEqualTo(first.header("Location"));
        assertThat(again.body()).isEqualTo(first.body());
        assertThat(database.of(namespace).queryLong("select count(*) from job where namespace = ?", namespace))
                .isEqualTo(1);
        // A key belongs to its namespace.
        assertThat(client.send("POST", "/v1/snapshots/" + fresh(), "", KEY, "nightly")
                        .header("Idempotency-Replayed"))
                .isEmpty();
    }

    @Test
    void racersWithOneKeyAllGetTheOneJob() throws Exception {
        String namespace = fresh();
        SnapshotFixture.fill(database, namespace, 20_000);
        List<Answer> answers = Clients.atOnce(
                8,
                racer -> (racer % 2 == 0 ? client : otherClient)
                        .send("POST", "/v1/snapshots/" + namespace, "", KEY, "race"));

        assertThat(answers).allSatisfy(answer -> assertThat(answer.status()).isEqualTo(202));
        assertThat(answers.stream().map(Answer::body).distinct()).hasSize(1);
        assertThat(answers.stream()
                        .filter(answer -> answer.header("Idempotency-Replayed").isEmpty()))
                .hasSize(1);
        SnapshotFixture.awaitDone(client, answers.getFirst().header("Location"));
    }

    @Test
    void aRefusalIsNotKept() throws Exception {
        String namespace = fresh();
        SnapshotFixture.fill(database, namespace, 50_000);
        String running;
        try (Connection holder = SnapshotFixture.holdLast(database, namespace)) {
            running = SnapshotFixture.start(client, namespace);
            Answer refused = client.send("POST", "/v1/snapshots/" + namespace, "", KEY, "later");
            assertThat(refused.status()).isEqualTo(409);
            assertThat(refused.header("Location")).isEqualTo(running);
            holder.rollback();
        }
        SnapshotFixture.awaitDone(client, running);

        Answer started = client.send("POST", "/v1/snapshots/" + namespace, "", KEY, "later");
        assertThat(started.status()).isEqualTo(202);
        assertThat(started.header("Location")).isNotEqualTo(running);
        SnapshotFixture.awaitDone(client, started.header("Location"));
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "POST   | /v1/snapshots/.a     |            | 400 | malformed",
                "POST   | /v1/snapshots/a%00   |            | 400 | malformed",
                "POST   | /v1/snapshots/a%2Fb  |            | 400 | malformed",
                "POST   | /v1/snapshots/a      | [          | 400 | malformed",
                "POST   | /v1/snapshots/a      | []         | 400 | malformed",
                "POST   | /v1/snapshots/a      | {\"x\":1}  | 400 | malformed",
                "POST   | /v1/snapshots/a      | {}{}       | 400 | malformed",
                "POST   | /v1/snapshots        |            | 404 | not-found",
                "POST   | /v1/snapshots/a/b    |            | 404 | not-found",
                "GET    | /v1/snapshots/a      |            | 405 | method-not-allowed",
                "DELETE | /v1/snapshots/a      |            | 405 | method-not-allowed"
            })
    void whatIsMalformedStartsNothing(String method, String path, String body, int status, String problem)
            throws Exception {
        Answer answer = client.send(method, path, body == null ? "" : body);

        assertThat(answer.status()).as(answer.body()).isEqualTo(status);
        assertThat(answer.problem()).isEqualTo(problem);
        assertThat(database.sum("select count(*) from job where namespace not like 'ns-%'"))
                .isZero();
    }

    @ParameterizedTest
    @CsvSource({
        "If-Match, *, 412",
        "Idempotency-Key, a b, 400",
        "Accept, text/html, 406",
        "Content-Type, text/plain, 415"
    })
    void whatIsAskedAmissStartsNothing(String header, String value, int status) throws Exception {
        assertThat(client.send("POST", "/v1/snapshots/a", "{}", header, value).status())
                .isEqualTo(status);
        assertThat(database.sum("select count(*) from job where namespace not like 'ns-%'"))
                .isZero();
    }

    @Test
    void isCounted() throws Exception {
        String namespace = fresh();
        client.send("POST", "/v1/snapshots/" + namespace, "", KEY, "k");
        SnapshotFixture.awaitDone(
                client,
                client.send("POST", "/v1/snapshots/" + namespace, "", KEY, "k").header("Location"));
        String metrics =
                new TallyClient(one.managementUri()).get("/actuator/prometheus").body();

        assertThat(metrics).containsPattern("tally_operations_total\\{kind=\"snapshot\",outcome=\"applied\"\\} [1-9]");
        assertThat(metrics).containsPattern("tally_operations_total\\{kind=\"snapshot\",outcome=\"replayed\"\\} [1-9]");
        assertThat(metrics).contains("tally_jobs_running ");
        assertThat(metrics).contains("tally_jobs_finished_total{state=\"failed\"} 0.0");
    }
}
