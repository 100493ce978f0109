package io.tally;

import static org.assertj.core.api.Assertions.assertThat;

import io.tally.snapshot.SnapshotFixture;
import io.tally.testing.Clients;
import io.tally.testing.Database;
import io.tally.testing.Postgres;
import io.tally.testing.TallyClient;
import io.tally.testing.TallyClient.Answer;
import io.tally.testing.TallyServer;
import io.tally.testing.TestShards;
import io.tally.testing.WireProxy;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.io.UncheckedIOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.UUID;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.function.BooleanSupplier;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.Timeout;

/** Live streams that are opened while the database is away: a browser that is refused once never comes again. */
@Timeout(180)
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class LiveStreamFaultsIT {

    private static final String SEVERAL = "/v1/counters/away/events?name=hits&name=later";

    private Database database;
    private WireProxy proxy;
    private TallyServer server;
    private TallyServer other;
    private TallyClient client;
    private TallyClient writer;
    private String job;
    private String run;

    @BeforeAll
    void start() throws Exception {
        database = Postgres.shared().createDatabase();
        URI postgres = URI.create(database.url());
        proxy = new WireProxy(postgres.getHost(), postgres.getPort());
        server = TallyServer.start(
                proxy.through(database),
                "tally.lab.enabled",
                "true",
                "tally.watch.interval",
                "20ms",
                "tally.watch.heartbeat",
                "100ms",
                "tally.pipeline.wait-max",
                "300ms",
                "tally.database.connect-timeout",
                "500ms");
        other = TallyServer.start(database);
        client = new TallyClient(server.uri());
        writer = new TallyClient(other.uri());
        job = "/v1/jobs/" + SnapshotFixture.insertDone(database, "away");
        run = client.send("POST", "/v1/lab/runs", "{\"strategy\":\"atomic\",\"increments\":10,\"workers\":1}")
                .header("Location");
        Clients.await(
                "the run",
                Clients.PATIENCE,
                () -> client.get(run).json().path("state").asString().equals("done"));
    }

    @BeforeEach
    void reset() {
        writer.send("DELETE", "/v1/counters/away/hits", "");
        writer.send("DELETE", "/v1/counters/away/later", "");
        writer.increment("away/hits", 5);
    }

    @AfterAll
    void stop() throws Exception {
        proxy.admit();
        writer.requireBalancedBooks();
        server.close();
        other.close();
        proxy.close();
    }

    private void takeAway() throws InterruptedException {
        proxy.refuse();
        proxy.cutAll();
        Clients.await(
                "away",
                Clients.PATIENCE,
                () -> client.get("/v1/counters/away/hits").status() == 503);
    }

    /** A stream that is read on a thread of its own, as lines. */
    private final class Stream implements AutoCloseable {

        private final HttpClient http = HttpClient.newHttpClient();
        private final List<String> lines = new CopyOnWriteArrayList<>();
        private final Thread reader;

        Stream(String path, String... fields) throws Exception {
            HttpRequest.Builder request =
                    HttpRequest.newBuilder(server.uri().resolve(path)).header("Accept", "text/event-stream");
            if (fields.length > 0) {
                request.headers(fields);
            }
            HttpResponse<InputStream> response = http.send(request.build(), BodyHandlers.ofInputStream());
            assertThat(response.statusCode()).as(path).isEqualTo(200);
            assertThat(response.headers().firstValue("Content-Type").orElse("")).startsWith("text/event-stream");
            assertThat(response.headers().firstValue("Cache-Control")).hasValue("no-store");
            reader = Thread.ofVirtual().start(() -> read(response.body()));
        }

        private void read(InputStream body) {
            try (BufferedReader text = new BufferedReader(new InputStreamReader(body, StandardCharsets.UTF_8))) {
                text.lines().forEach(lines::add);
            } catch (IOException | UncheckedIOException cut) {
                lines.add("cut");
            }
        }

        long comments() {
            return lines.stream().filter(line -> line.startsWith(":")).count();
        }

        List<String> data() {
            return lines.stream().filter(line -> line.startsWith("data:")).toList();
        }

        boolean isEnded() {
            return !reader.isAlive();
        }

        @Override
        public void close() {
            http.shutdownNow();
        }
    }

    private static void await(String what, BooleanSupplier holds) throws InterruptedException {
        Clients.await(what, Clients.PATIENCE, holds);
    }

    @Test
    void streamsOfCountersBeginWithHeartbeats() throws Exception {
        takeAway();
        try (Stream one = new Stream("/v1/counters/away/hits/events");
                Stream resumed = new Stream("/v1/counters/away/hits/events", "Last-Event-ID", "1");
                Stream several = new Stream(SEVERAL);
                Stream severalResumed = new Stream(SEVERAL, "Last-Event-ID", "1,0")) {
            List<Stream> all = List.of(one, resumed, several, severalResumed);
            await("beats", () -> all.stream().allMatch(stream -> stream.comments() > 5));
            assertThat(all).allSatisfy(stream -> assertThat(stream.data()).isEmpty());
            assertThat(client.send("HEAD", "/v1/counters/away/hits/events", "").status())
                    .isEqualTo(200);

            proxy.admit();
            await("states", () -> one.data().size() == 1 && several.data().size() == 1);
            writer.increment("away/hits", 1);
            await(
                    "news",
                    () -> all.stream()
                            .allMatch(stream -> !stream.data().isEmpty()
                                    && stream.data().getLast().contains("\"value\":6")));
            assertThat(resumed.data()).hasSize(1);
            assertThat(severalResumed.data()).hasSize(1);
        }
    }

    /** This instance knows the counter from before, at a version older than what was acknowledged since. */
    @Test
    void firstStateIsNoOlderThanWhatWasAcknowledged() throws Exception {
        try (Stream before = new Stream("/v1/counters/away/hits/events")) {
            await("a state", () -> before.data().size() == 1);
            takeAway();
            writer.increment("away/hits", 1);
            try (Stream stream = new Stream("/v1/counters/away/hits/events")) {
                await("beats", () -> stream.comments() > 5);
                proxy.admit();
                await("a state", () -> !stream.data().isEmpty());
                assertThat(stream.data().getFirst()).contains("\"value\":6");
            }
        }
    }

    /** This instance knows from before that there is none, and there is one now. */
    @Test
    void counterThatWasMadeMeanwhileIsShown() throws Exception {
        try (Stream before = new Stream(SEVERAL)) {
            await("a state", () -> before.data().size() == 1);
            takeAway();
            writer.increment("away/later", 7);
            try (Stream stream = new Stream("/v1/counters/away/later/events")) {
                await("beats", () -> stream.comments() > 5);
                proxy.admit();
                await("a state", () -> !stream.data().isEmpty());
                assertThat(stream.data().getFirst()).contains("\"value\":7");
            }
        }
    }

    @Test
    void streamsOfWorkBeginWithAComment() throws Exception {
        takeAway();
        for (String path : List.of(job, run)) {
            Answer refused = client.get(path);
            assertThat(refused.status()).as(path).isEqualTo(503);
            assertThat(refused.problem()).isEqualTo("store-unavailable");
            assertThat(client.get(path, "Accept", "text/event-stream;q=0.5, application/json")
                            .status())
                    .isEqualTo(503);
            assertThat(client.send("HEAD", path, "", "Accept", "text/event-stream")
                            .status())
                    .isEqualTo(200);
        }
        try (Stream ofJob = new Stream(job);
                Stream ofRun = new Stream(run)) {
            await("comments", () -> ofJob.comments() > 0 && ofRun.comments() > 0);
            assertThat(ofJob.data()).isEmpty();
            proxy.admit();
            await("ends", () -> ofJob.isEnded() && ofRun.isEnded());
            assertThat(ofJob.data()).singleElement().asString().contains("\"done\"");
            assertThat(ofRun.data()).singleElement().asString().contains("\"done\"");
        }
    }

    @Test
    void streamOfWhatProvesAbsentEnds() throws Exception {
        takeAway();
        List<String> absent = List.of(
                "/v1/counters/away/absent/events",
                "/v1/jobs/" + TestShards.id("away"),
                "/v1/lab/runs/" + UUID.randomUUID());
        for (String path : absent) {
            try (Stream stream = new Stream(path, "Last-Event-ID", "3")) {
                await("a comment", () -> stream.comments() > 0);
                assertThat(stream.isEnded()).isFalse();
                proxy.admit();
                await("its end", stream::isEnded);
                assertThat(stream.data()).isEmpty();
            }
            await("404", () -> client.get(path, "Accept", "text/event-stream").status() == 404);
            takeAway();
        }
        proxy.admit();
    }
}
