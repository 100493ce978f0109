package io.tally.bulk;

import static org.assertj.core.api.Assertions.assertThat;

import io.tally.testing.Clients;
import io.tally.testing.Database;
import io.tally.testing.Postgres;
import io.tally.testing.TallyClient;
import io.tally.testing.TallyClient.Answer;
import io.tally.testing.TallyServer;
import io.tally.testing.WireProxy;
import io.tally.testing.WireProxy.Cut;
import java.net.URI;
import java.sql.SQLException;
import java.time.Duration;
import java.util.List;
import java.util.UUID;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/**
 * Operations of one stream or array on one counter are applied in the order of its lines. The counters go up and down
 * between 0 and 1, so a line that overtakes another is refused; the queues are much smaller than the uploads.
 */
@Timeout(300)
class StreamOrderIT {

    private static final JsonMapper JSON = new JsonMapper();
    private static final int LINES = 6_000;

    private static WireProxy proxy;
    private static TallyServer server;
    private static TallyClient client;

    @BeforeAll
    static void start() throws SQLException {
        Database database = Postgres.shared().createDatabase();
        URI address = URI.create(database.url());
        proxy = new WireProxy(address.getHost(), address.getPort());
        server = TallyServer.start(
                proxy.through(database),
                "tally.pipeline.batch-operations-max",
                "64",
                "tally.pipeline.queue-operations-max",
                "256",
                "tally.pipeline.wait-max",
                "500ms",
                // No outage of the tests is longer, so every line is applied in the end.
                "tally.pipeline.outcome-max",
                "100s");
        client = new TallyClient(server.uri());
    }

    @AfterAll
    static void stop() {
        server.close();
        proxy.close();
    }

    /** How lines get their keys. */
    enum Keys {
        NONE,
        /** Each from the request's and its number. */
        OF_THE_REQUEST,
        /** Every third line has one of its own. */
        SOME;

        private String member(int line, String run) {
            return this == SOME && line % 3 == 0 ? ",\"key\":\"" + run + "-" + line + "\"" : "";
        }
    }

    private static String upAndDown(String run, int counters, int lines, Keys keys) {
        return IntStream.range(0, lines)
                .mapToObj(i -> "{\"namespace\":\"order\",\"name\":\"" + run + i % counters + "\",\"delta\":"
                        + (i / counters % 2 == 0 ? 1 : -1) + keys.member(i, run) + "}")
                .collect(Collectors.joining("\n"));
    }

    private static void bound(String run, int counters) {
        for (int i = 0; i < counters; i++) {
            client.put("order/" + run + i, "{\"min\":0,\"max\":1}");
        }
    }

    private static Answer upload(String lines, String run, Keys keys) {
        String[] headers = {"Content-Type", "application/x-ndjson", "Prefer", "return=minimal", "Idempotency-Key", run};
        return client.send(
                "POST",
                "/v1/increments",
                lines,
                keys == Keys.OF_THE_REQUEST
                        ? headers
                        : List.of(headers).subList(0, 4).toArray(String[]::new));
    }

    private static void requireAllApplied(Answer answer, int lines) {
        assertThat(answer.json().path("applied").asInt()).as(answer.body()).isEqualTo(lines);
    }

    @ParameterizedTest
    @EnumSource
    void noLineOvertakesAnotherThatWaitsForRoom(Keys keys) throws Exception {
        List<Answer> answers = Clients.atOnce(3, upload -> {
            String run = UUID.randomUUID().toString();
            int counters = upload + 1;
            bound(run, counters);
            return upload(upAndDown(run, counters, LINES, keys), run, keys);
        });

        assertThat(answers).allSatisfy(answer -> requireAllApplied(answer, LINES));
        client.requireBalancedBooks();
    }

    /**
     * The database is away for longer than an operation waits, so that all under way are refused and submitted again.
     */
    @ParameterizedTest
    @EnumSource
    void noLineOvertakesAnotherThatWasRefused(Keys keys) throws Exception {
        String run = UUID.randomUUID().toString();
        bound(run, 2);
        try (ExecutorService executor = Executors.newVirtualThreadPerTaskExecutor()) {
            Future<Answer> upload = executor.submit(() -> upload(upAndDown(run, 2, LINES, keys), run, keys));
            for (int outage = 0; outage < 3; outage++) {
                proxy.refuse();
                proxy.cutAll();
                awaitStatus(503, executor);
                proxy.admit();
                awaitStatus(200, executor);
            }
            requireAllApplied(upload.get(), LINES);
        }
        client.requireBalancedBooks();
    }

    /**
     * Sends increments until one of them has that status. One that is in flight when the database goes is answered
     * later.
     */
    private static void awaitStatus(int status, ExecutorService executor) throws InterruptedException {
        AtomicBoolean seen = new AtomicBoolean();
        Clients.await("an answer " + status, Duration.ofMinutes(1), () -> {
            executor.execute(() ->
                    seen.compareAndSet(false, client.increment("order/other", 1).status() == status));
            return seen.get();
        });
    }

    @ParameterizedTest
    @EnumSource
    void noLineOvertakesAnotherWhoseAnswerWasLost(Keys keys) {
        String run = UUID.randomUUID().toString();
        bound(run, 2);
        int before = proxy.cuts();
        proxy.cutRandomly(0.1, /* seed= */ 3, Cut.AFTER_COMMIT, sql -> sql.contains("update writer"));
        try {
            requireAllApplied(upload(upAndDown(run, 2, LINES, keys), run, keys), LINES);
        } finally {
            proxy.cutNothing();
        }
        assertThat(proxy.cuts()).isGreaterThan(before);
        client.requireBalancedBooks();
    }

    /** Without bounds, nothing but the answers tells. */
    @ParameterizedTest
    @ValueSource(strings = {"application/json", "application/x-ndjson"})
    void linesWithAndWithoutKeysAreAnsweredInTheirOrder(String type) {
        String run = UUID.randomUUID().toString();
        List<String> lines = IntStream.range(0, 100)
                .mapToObj(i -> "{\"namespace\":\"order\",\"name\":\"" + run + "\",\"delta\":1"
                        + (i % 2 == 0 ? ",\"key\":\"" + run + "-" + i + "\"" : "") + "}")
                .toList();
        boolean isArray = type.equals("application/json");
        String body = isArray ? "[" + String.join(",", lines) + "]" : String.join("\n", lines);
        Answer answer = client.send("POST", "/v1/increments", body, "Content-Type", type);
        List<JsonNode> answers = isArray
                ? answer.json().valueStream().toList()
                : answer.body().lines().map(JSON::readTree).toList();

        assertThat(answers.stream().map(one -> one.path("value").asInt()))
                .isEqualTo(IntStream.rangeClosed(1, 100).boxed().toList());
    }

    /** What has no room is refused, and what is behind it, too: the first lines are applied, and no others. */
    @Test
    void anArrayThatIsLargerThanTheRoomIsAppliedUpToARefusal() {
        String run = UUID.randomUUID().toString();
        bound(run, 1);
        String body = "[" + upAndDown(run, 1, 1_000, Keys.NONE).replace('\n', ',') + "]";
        List<JsonNode> answers =
                client.send("POST", "/v1/increments", body).json().valueStream().toList();
        List<String> problems = answers.stream()
                .map(answer -> answer.path("problem").path("type").asString(""))
                .toList();
        int refused = problems.indexOf("/problems/overloaded");

        assertThat(refused).isPositive();
        assertThat(problems.subList(0, refused)).containsOnly("");
        assertThat(problems.subList(refused, problems.size())).containsOnly("/problems/overloaded");
    }

    /** The first line with a name creates it, and its answer says so. */
    @Test
    void noNameOvertakesAnotherThatWaitsForRoom() throws Exception {
        List<Answer> answers = Clients.atOnce(
                2,
                upload -> client.send(
                        "POST",
                        "/v1/names/order-" + UUID.randomUUID(),
                        IntStream.range(0, 6_000)
                                .mapToObj(i -> "\"name-" + i / 2 + "\"")
                                .collect(Collectors.joining("\n")),
                        "Content-Type",
                        "application/x-ndjson"));

        for (Answer answer : answers) {
            List<Boolean> created = answer.body()
                    .lines()
                    .map(line -> JSON.readTree(line).path("created").asBoolean())
                    .toList();
            assertThat(created)
                    .isEqualTo(
                            IntStream.range(0, 6_000).mapToObj(i -> i % 2 == 0).toList());
        }
    }
}
