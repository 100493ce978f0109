package io.tally.job;

import static org.assertj.core.api.Assertions.assertThat;

import io.tally.http.Progress;
import io.tally.snapshot.SnapshotFixture;
import io.tally.testing.Clients;
import io.tally.testing.Database;
import io.tally.testing.Postgres;
import io.tally.testing.TallyClient;
import io.tally.testing.TallyClient.Answer;
import io.tally.testing.TallyProcess;
import io.tally.testing.TallyServer;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.sql.Connection;
import java.sql.SQLException;
import java.sql.Savepoint;
import java.sql.Statement;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.UUID;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.Executor;
import java.util.concurrent.Executors;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/** Jobs: what is seen of them, and what becomes of them when their instance goes away. */
@Timeout(600)
class JobsIT {

    private static final Duration PATIENCE = Duration.ofMinutes(3);
    private static final String NAMESPACE = "jobs";
    private static final String RUNNING = "tally_jobs_running";
    private static final String DONE = "tally_jobs_finished_total{state=\"done\"}";
    private static final String FAILED = "tally_jobs_finished_total{state=\"failed\"}";
    private static final Executor THREADS = Executors.newVirtualThreadPerTaskExecutor();
    private static final JsonMapper JSON = new JsonMapper();

    private Database database;

    @BeforeEach
    void create() throws SQLException {
        database = Postgres.shared().createDatabase();
    }

    // ---- what is seen

    @ParameterizedTest
    @ValueSource(
            strings = {
                "00000000-0000-0000-0000-000000000000",
                "0-0-0-0-0",
                "1",
                "x",
                "00000000-0000-0000-0000-00000000000g",
                "000000000000000000000000000000000000",
                "%7B00000000-0000-0000-0000-000000000000%7D"
            })
    void anotherIdIsNotFound(String id) {
        TallyClient client = new TallyClient(TallyServer.shared().uri());
        for (String accept : List.of("application/json", "text/event-stream")) {
            Answer answer = client.get("/v1/jobs/" + id, "Accept", accept);

            assertThat(answer.status()).as(answer.body()).isEqualTo(404);
            assertThat(answer.problem()).isEqualTo("not-found");
        }
    }

    @Test
    void methodsAndTypes() throws Exception {
        try (TallyServer server = TallyServer.start(database)) {
            TallyClient client = new TallyClient(server.uri());
            String job = SnapshotFixture.start(client, NAMESPACE);
            Answer done = SnapshotFixture.awaitDone(client, job);

            assertThat(client.post(job).status()).isEqualTo(405);
            assertThat(client.post(job).header("Allow")).isEqualTo("GET,HEAD,OPTIONS");
            assertThat(client.get(job, "Accept", "text/html").status()).isEqualTo(406);
            assertThat(client.get(job.toUpperCase(Locale.ROOT).replace("/V1/JOBS/", "/v1/jobs/"))
                            .body())
                    .isEqualTo(done.body());
            assertThat(type(client, job, "*/*")).isEqualTo("application/json");
            assertThat(type(client, job, "application/json, text/event-stream")).isEqualTo("application/json");
            assertThat(type(client, job, "text/event-stream;q=0.5, application/json"))
                    .isEqualTo("application/json");
            assertThat(type(client, job, "text/event-stream, */*")).startsWith("text/event-stream");
            assertThat(type(client, job, "text/*")).startsWith("text/event-stream");
            Answer head = client.send("HEAD", job, "", "Accept", "text/event-stream");
            assertThat(head.status()).isEqualTo(200);
            assertThat(head.body()).isEmpty();
        }
    }

    private static String type(TallyClient client, String job, String accept) {
        return client.get(job, "Accept", accept).header("Content-Type");
    }

    @Test
    void aStreamShowsEachStateUntilTheJobIsDone() throws Exception {
        try (TallyServer server = TallyServer.start(database);
                TallyServer other = TallyServer.start(database)) {
            SnapshotFixture.fill(database, NAMESPACE, 150_000);
            TallyClient client = new TallyClient(server.uri());
            List<List<JsonNode>> seen = List.of(new CopyOnWriteArrayList<>(), new CopyOnWriteArrayList<>());
            List<CompletableFuture<Void>> watched = new ArrayList<>();
            String job;
            try (Connection holder = SnapshotFixture.holdLast(database, NAMESPACE);
                    Statement statement = holder.createStatement()) {
                Savepoint onlyTheLast = holder.setSavepoint();
                statement.execute("select from counter order by name limit 1 for update");
                job = SnapshotFixture.start(client, NAMESPACE);
                for (TallyServer asked : List.of(server, other)) {
                    List<JsonNode> events = seen.get(watched.size());
                    watched.add(CompletableFuture.runAsync(() -> watch(asked.uri(), job, events), THREADS));
                }
                Clients.await("the first events", PATIENCE, () -> seen.stream().noneMatch(List::isEmpty));
                holder.rollback(onlyTheLast);
                Clients.await("steps", PATIENCE, () -> seen.stream().allMatch(JobsIT::showsSteps));
                holder.rollback();
            }
            Answer done = SnapshotFixture.awaitDone(client, job);
            for (CompletableFuture<Void> stream : watched) {
                stream.get();
            }

            for (List<JsonNode> events : seen) {
                assertThat(events).hasSizeGreaterThanOrEqualTo(3);
                assertThat(events.stream().map(event -> event.path("done").asLong()))
                        .isSorted();
                assertThat(events).doesNotHaveDuplicates();
                assertThat(events.getLast()).isEqualTo(done.json());
                assertThat(events.subList(0, events.size() - 1))
                        .allSatisfy(event ->
                                assertThat(event.path("state").asString()).isEqualTo("running"));
                assertThat(events.get(events.size() - 2).path("total").asLong()).isEqualTo(150_000);
            }
            // A late stream gets the final state at once.
            assertThat(events(server.uri(), job)).containsExactly(done.json());
            client.requireBalancedBooks();
        }
    }

    private static boolean showsSteps(List<JsonNode> events) {
        return events.stream().anyMatch(event -> event.path("done").asLong() > 0);
    }

    /** The events of a stream, which ends by itself. */
    private static List<JsonNode> events(URI server, String job) {
        List<JsonNode> events = new ArrayList<>();
        watch(server, job, events);
        return events;
    }

    /** Adds the events of a stream as they come; returns when it has ended. */
    private static void watch(URI server, String job, List<JsonNode> events) {
        try (BufferedReader lines = lines(open(server, job))) {
            for (String line = lines.readLine(); line != null; line = lines.readLine()) {
                if (line.startsWith("data:")) {
                    events.add(JSON.readTree(line.substring("data:".length())));
                }
            }
        } catch (IOException e) {
            throw new AssertionError("the stream was cut off after " + events, e);
        }
    }

    private static BufferedReader lines(HttpResponse<InputStream> response) {
        return new BufferedReader(new InputStreamReader(response.body(), StandardCharsets.UTF_8));
    }

    private static HttpResponse<InputStream> open(URI server, String job) {
        try {
            return HttpClient.newHttpClient()
                    .send(
                            HttpRequest.newBuilder(server.resolve(job))
                                    .header("Accept", "text/event-stream")
                                    .build(),
                            HttpResponse.BodyHandlers.ofInputStream());
        } catch (IOException e) {
            throw new AssertionError(e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new AssertionError(e);
        }
    }

    @Test
    void soManyStreamsAreOpenAndNoMore() throws Exception {
        TallyServer server = TallyServer.start(database);
        List<BufferedReader> streams = new ArrayList<>();
        String job = insertOthersJob();
        for (int i = 0; i < Progress.STREAMS_MAX; i++) {
            HttpResponse<InputStream> response = open(server.uri(), job);
            assertThat(response.statusCode()).isEqualTo(200);
            streams.add(lines(response));
            assertThat(streams.getLast().readLine()).startsWith("data:");
        }
        TallyClient client = new TallyClient(server.uri());
        Answer refused = client.get(job, "Accept", "text/event-stream");
        assertThat(refused.status()).isEqualTo(503);
        assertThat(refused.problem()).isEqualTo("overloaded");
        assertThat(refused.header("Retry-After")).isNotEmpty();
        assertThat(client.get(job).status()).isEqualTo(200);

        // One that goes away makes room.
        streams.removeLast().close();
        Clients.await("room", PATIENCE, () -> {
            HttpResponse<InputStream> response = open(server.uri(), job);
            streams.add(lines(response));
            return response.statusCode() == 200;
        });

        // A stopping instance ends them, and does not wait for them.
        CompletableFuture<Void> stopped = CompletableFuture.runAsync(server::close, THREADS);
        for (BufferedReader stream : streams) {
            while (stream.readLine() != null) {
                // until it ends
            }
        }
        stopped.get();
    }

    /** One that another instance works on, as it says. */
    private String insertOthersJob() throws SQLException {
        return "/v1/jobs/" + SnapshotFixture.insertRunning(database, "others");
    }

    @Test
    @Tag("four-shards")
    void aJobThatIsCalledOffStops() throws Exception {
        try (TallyServer server = TallyServer.start(database)) {
            SnapshotFixture.fill(database, NAMESPACE, 100_000);
            TallyClient client = new TallyClient(server.uri());
            String job;
            try (Connection holder = SnapshotFixture.holdLast(database, NAMESPACE)) {
                job = SnapshotFixture.start(client, NAMESPACE);
                Clients.await("some steps", PATIENCE, () -> SnapshotFixture.done(client, job) > 0);
                database.of(NAMESPACE)
                        .execute(
                                "update job set state = 'cancelled', finished_at = now()"
                                        + " where state = 'running' and id = ?",
                                id(job));
                holder.rollback();
            }
            long done = SnapshotFixture.done(client, job);

            String again = SnapshotFixture.start(client, NAMESPACE);
            SnapshotFixture.awaitDone(client, again);
            assertThat(client.get(job).json().path("state").asString()).isEqualTo("cancelled");
            assertThat(SnapshotFixture.done(client, job)).isEqualTo(done);
        }
    }

    private static UUID id(String job) {
        return UUID.fromString(job.substring(job.lastIndexOf('/') + 1));
    }

    @Test
    void aJobThatCannotSucceedSaysSo() throws Exception {
        try (TallyServer server = TallyServer.start(database)) {
            SnapshotFixture.fill(database, NAMESPACE, 1_500);
            database.of(NAMESPACE)
                    .execute(
                            "alter table counter add constraint others check (snapshot_value is null or name < 'c-f')");
            TallyClient client = new TallyClient(server.uri());
            String job = SnapshotFixture.start(client, NAMESPACE);
            Clients.await(
                    "failed",
                    PATIENCE,
                    () -> client.get(job).json().path("state").asString().equals("failed"));

            JsonNode failed = client.get(job).json();
            assertThat(failed.path("problem").asString()).contains("after 1000 counters");
            assertThat(failed.path("done").asLong()).isEqualTo(1_000);
            assertThat(failed.path("finishedAt").isString()).isTrue();
            assertThat(events(server.uri(), job)).containsExactly(failed);
            Clients.await("counted", PATIENCE, () -> metric(server, FAILED) >= 1);
            assertThat(metric(server, FAILED)).isEqualTo(1);

            // Mended, the next succeeds.
            database.of(NAMESPACE).execute("alter table counter drop constraint others");
            SnapshotFixture.awaitDone(client, SnapshotFixture.start(client, NAMESPACE));
            client.requireBalancedBooks();
        }
    }

    @Test
    void aJobWaitsForACounterThatSomebodyHasLocked() throws Exception {
        try (TallyServer server = TallyServer.start(database, "tally.database.lock-timeout", "200ms");
                Connection holder = database.of(NAMESPACE).connect();
                Statement statement = holder.createStatement()) {
            SnapshotFixture.fill(database, NAMESPACE, 1_500);
            TallyClient client = new TallyClient(server.uri());
            holder.setAutoCommit(false);
            statement.execute("select * from counter order by name desc limit 1 for update");
            String job = SnapshotFixture.start(client, NAMESPACE);
            Clients.await("tried several times", PATIENCE, () -> claims() >= 3);
            assertThat(SnapshotFixture.done(client, job)).isEqualTo(1_000);
            assertThat(client.get(job).json().path("state").asString()).isEqualTo("running");

            holder.rollback();
            assertThat(SnapshotFixture.awaitDone(client, job)
                            .json()
                            .path("done")
                            .asLong())
                    .isEqualTo(1_500);
        }
    }

    private long claims() {
        return sum("select coalesce(sum(claims), 0) from job");
    }

    private long sum(String sql) {
        try {
            return database.sum(sql);
        } catch (SQLException e) {
            throw new IllegalStateException(e);
        }
    }

    @Test
    @Tag("four-shards")
    void oldJobsAreRemoved() throws Exception {
        try (TallyServer server = TallyServer.start(database)) {
            TallyClient client = new TallyClient(server.uri());
            String old = SnapshotFixture.start(client, NAMESPACE);
            SnapshotFixture.awaitDone(client, old);
            database.of(NAMESPACE).execute("update job set finished_at = now() - interval '31 days'");

            String recent = SnapshotFixture.start(client, NAMESPACE);
            SnapshotFixture.awaitDone(client, recent);
            assertThat(client.get(old).status()).isEqualTo(404);
            SnapshotFixture.awaitDone(client, SnapshotFixture.start(client, NAMESPACE));
            assertThat(client.get(recent).status()).isEqualTo(200);
        }
    }

    // ---- what becomes of them

    /** As a killed instance leaves it. */
    @Test
    @Tag("four-shards")
    void isTakenOnWhenItsLeaseHasExpired() throws Exception {
        SnapshotFixture.fill(database, NAMESPACE, 2_500);
        String job = "/v1/jobs/" + SnapshotFixture.insertAbandoned(database, NAMESPACE);
        try (TallyServer server = TallyServer.start(database)) {
            requireCopiedOnce(new TallyClient(server.uri()), job, 2_500);
            assertThat(claims()).isEqualTo(2);
        }
    }

    @Test
    @Tag("faults")
    void goesOnWhereItWasAfterAKill() throws Exception {
        try (TallyProcess process = TallyProcess.start(database)) {
            SnapshotFixture.fill(database, NAMESPACE, 200_000);
            TallyClient client = new TallyClient(process.uri());
            String job = SnapshotFixture.start(client, NAMESPACE);
            Clients.await("some steps", PATIENCE, () -> SnapshotFixture.done(client, job) >= 20_000);
            process.killAndRestart();
            Answer after = client.get(job);

            assertThat(after.json().path("state").asString()).isEqualTo("running");
            long last = after.json().path("done").asLong();
            assertThat(last).isGreaterThanOrEqualTo(20_000);
            SnapshotFixture.awaitDone(client, job, last);
            requireCopiedOnce(client, job, 200_000);
            assertThat(claims()).isEqualTo(2);
        }
    }

    @Test
    @Tag("faults")
    void anotherInstanceGoesOnWhereOneStops() throws Exception {
        try (TallyServer one = TallyServer.start(database);
                TallyServer other = TallyServer.start(database)) {
            SnapshotFixture.fill(database, NAMESPACE, 300_000);
            TallyClient client = new TallyClient(one.uri());
            String job = SnapshotFixture.start(client, NAMESPACE);
            Clients.await("some steps", PATIENCE, () -> SnapshotFixture.done(client, job) > 0);
            boolean isOnes = metric(one, RUNNING) == 1;
            assertThat(metric(other, RUNNING)).isEqualTo(isOnes ? 0 : 1);
            assertThat(claims()).isEqualTo(1);
            CompletableFuture<Void> stopped = CompletableFuture.runAsync(isOnes ? one::close : other::close, THREADS);
            Clients.await("the other has it", PATIENCE, () -> claims() == 2);
            stopped.get();

            requireCopiedOnce(new TallyClient(isOnes ? other.uri() : one.uri()), job, 300_000);
            assertThat(claims()).isEqualTo(2);
        }
    }

    @Test
    void goesOnThoughAConnectionIsCut() throws Exception {
        cutConnections(/* times= */ 1, /* counters= */ 100_000);
    }

    @Test
    @Tag("faults")
    void goesOnThoughItsConnectionsAreCutAgainAndAgain() throws Exception {
        cutConnections(/* times= */ 3, /* counters= */ 300_000);
    }

    private void cutConnections(int times, int counters) throws Exception {
        try (TallyServer server = TallyServer.start(database)) {
            SnapshotFixture.fill(database, NAMESPACE, counters);
            TallyClient client = new TallyClient(server.uri());
            String job = SnapshotFixture.start(client, NAMESPACE);
            for (int cut = 1; cut <= times; cut++) {
                long reached = cut * 20_000L;
                Clients.await("steps", PATIENCE, () -> SnapshotFixture.done(client, job) >= reached);
                assertThat(database.queryLong("select count(pg_terminate_backend(pid)) from pg_stat_activity"
                                + " where datname = current_database() and query like '%set snapshot_value =%'"
                                + " and pid <> pg_backend_pid()"))
                        .isPositive();
            }
            requireCopiedOnce(client, job, counters);
            // One that was cut between two steps needed no new claim.
            assertThat(claims()).isLessThanOrEqualTo(times + 1);
        }
    }

    /** The same step, sent by two instances and then again by one of them: it is done once. */
    @Test
    void aStepIsDoneOnceWhoeverSendsIt() throws Exception {
        try (TallyServer one = TallyServer.start(database);
                TallyServer other = TallyServer.start(database)) {
            SnapshotFixture.fill(database, "others", 20_000);
            UUID id = id(insertOthersJob());
            JobStore store = one.bean(JobStore.class);
            List<JobKind> kinds = List.of(one.bean(JobKind.class), other.bean(JobKind.class));
            Claim claim = new Claim(found(store, id), 0, "");
            while (!claim.job().isFinished()) {
                Claim sent = claim;
                List<Claim> moved = new ArrayList<>();
                Clients.atOnce(2, sender -> kinds.get(sender).step(sent).blockOptional())
                        .forEach(next -> next.ifPresent(moved::add));
                assertThat(moved).hasSize(1);
                assertThat(kinds.getFirst().step(sent).blockOptional()).isEmpty();
                claim = moved.getFirst();
                assertThat(claim.job().done()).isEqualTo(Math.min(sent.job().done() + 1_000, 20_000));
                assertThat(found(store, id)).isEqualTo(claim.job());
            }
            assertThat(claim.job().total()).isEqualTo(20_000);
            assertThat(database.sum("select count(*) from counter where snapshot_value = value"))
                    .isEqualTo(20_000);
        }
    }

    /** One that has lost its claim can neither go on nor end the job, nor take the lease from the next. */
    @Test
    void aClaimEndsWithTheNext() throws Exception {
        try (TallyServer server = TallyServer.start(database)) {
            JobStore store = server.bean(JobStore.class);
            UUID id = id(insertOthersJob());
            Claim former = new Claim(found(store, id), 0, "");
            database.of("others").execute("update job set claims = 1");
            String lease = database.of("others").queryString("select lease_until from job");

            assertThat(server.bean(JobKind.class).step(former).blockOptional()).isEmpty();
            store.renew(former).block();
            store.counted(former, 7).block();
            store.release(former).block();
            store.fail(former, "late").block();
            assertThat(found(store, id)).isEqualTo(former.job());
            assertThat(database.of("others").queryString("select lease_until from job"))
                    .isEqualTo(lease);
        }
    }

    private static Job found(JobStore store, UUID id) {
        return store.find(id).blockOptional().orElseThrow();
    }

    @Test
    @Tag("one-node") // It counts the sessions of a database, which all tests share on Citus.
    void aStoppedInstanceGivesItsJobBack() throws Exception {
        TallyServer server = TallyServer.start(database);
        SnapshotFixture.fill(database, NAMESPACE, 200_000);
        TallyClient client = new TallyClient(server.uri());
        try (Connection holder = SnapshotFixture.holdLast(database, NAMESPACE)) {
            String job = SnapshotFixture.start(client, NAMESPACE);
            Clients.await("some steps", PATIENCE, () -> SnapshotFixture.done(client, job) >= 10_000);
            server.close();

            assertThat(database.of(NAMESPACE).queryString("select state from job"))
                    .isEqualTo("running");
            assertThat(database.of(NAMESPACE).queryLong("select done from job")).isBetween(10_000L, 199_999L);
            assertThat(database.of(NAMESPACE).queryString("select lease_until <= now() from job"))
                    .isEqualTo("t");
            holder.rollback();
        }
        // The server takes a moment to end a session that was closed.
        Clients.await("no connection is left", PATIENCE, () -> connections() == 0);
    }

    private long connections() {
        try {
            return database.queryLong("select count(*) from pg_stat_activity"
                    + " where application_name = 'tally' and datname = current_database()");
        } catch (SQLException e) {
            throw new IllegalStateException(e);
        }
    }

    @Test
    @Tag("four-shards")
    void severalInstancesShareTheJobsOfSeveralNamespaces() throws Exception {
        try (TallyServer one = TallyServer.start(database);
                TallyServer other = TallyServer.start(database)) {
            TallyClient client = new TallyClient(one.uri());
            for (String namespace : List.of("a", "b", "c")) {
                SnapshotFixture.fill(database, namespace, 30_000);
            }
            List<String> jobs = new ArrayList<>();
            for (String namespace : List.of("a", "b", "c")) {
                jobs.add(SnapshotFixture.start(client, namespace));
            }
            for (String job : jobs) {
                assertThat(SnapshotFixture.awaitDone(client, job)
                                .json()
                                .path("done")
                                .asLong())
                        .isEqualTo(30_000);
            }
            assertThat(claims()).isEqualTo(3);
            Clients.await("counted", PATIENCE, () -> metric(one, DONE) + metric(other, DONE) >= 3);
            assertThat(metric(one, DONE) + metric(other, DONE)).isEqualTo(3);
            client.requireBalancedBooks();
        }
    }

    private static double metric(TallyServer server, String series) {
        return new TallyClient(server.managementUri())
                .get("/actuator/prometheus")
                .body()
                .lines()
                .filter(line -> line.startsWith(series + " "))
                .mapToDouble(line -> Double.parseDouble(line.substring(line.lastIndexOf(' '))))
                .sum();
    }

    private void requireCopiedOnce(TallyClient client, String job, int counters) throws Exception {
        Answer done = SnapshotFixture.awaitDone(client, job);
        assertThat(done.json().path("done").asLong()).isEqualTo(counters);
        assertThat(done.json().path("total").asLong()).isEqualTo(counters);
        assertThat(database.sum("select count(*) from counter where snapshot_value = value"))
                .isEqualTo(counters);
        client.requireBalancedBooks();
    }
}
