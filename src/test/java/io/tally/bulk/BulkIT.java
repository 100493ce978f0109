package io.tally.bulk;

import static org.assertj.core.api.Assertions.assertThat;

import io.tally.testing.Clients;
import io.tally.testing.Database;
import io.tally.testing.Postgres;
import io.tally.testing.RawHttp;
import io.tally.testing.TallyClient;
import io.tally.testing.TallyClient.Answer;
import io.tally.testing.TallyServer;
import java.io.IOException;
import java.sql.Connection;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicLong;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/** Arrays and streams of increments. */
@Tag("four-shards")
@Timeout(300)
class BulkIT {

    private static final JsonMapper JSON = new JsonMapper();
    private static final String[] STREAM = {"Content-Type", "application/x-ndjson"};
    private static final String[] MINIMAL = {"Content-Type", "application/x-ndjson", "Prefer", "return=minimal"};

    private static final String CHUNKED = "Transfer-Encoding: chunked";

    /** By their time-out. */
    private static final Map<String, TallyServer> IMPATIENT = new HashMap<>();

    private static Database database;
    private static TallyServer server;
    private static TallyServer other;
    private static TallyClient client;

    @BeforeAll
    static void start() throws SQLException {
        database = TallyServer.sharedDatabase();
        server = TallyServer.shared();
        other = TallyServer.sharedOther();
        client = new TallyClient(server.uri());
    }

    @AfterAll
    static void stop() {
        IMPATIENT.values().forEach(TallyServer::close);
        IMPATIENT.clear();
    }

    @AfterEach
    void booksBalance() {
        client.requireBalancedBooks();
    }

    private static String fresh() {
        return UUID.randomUUID().toString();
    }

    private static String item(String name, long delta) {
        return "{\"namespace\":\"bulk\",\"name\":\"" + name + "\",\"delta\":" + delta + "}";
    }

    private static String keyed(String name, long delta, String key) {
        return item(name, delta).replace("}", ",\"key\":\"" + key + "\"}");
    }

    private static long value(String name) {
        return client.value("bulk/" + name);
    }

    private static Answer array(String... items) {
        return client.send("POST", "/v1/increments", "[" + String.join(",", items) + "]");
    }

    private static Answer stream(String lines, String... headers) {
        return client.send("POST", "/v1/increments", lines, headers);
    }

    private static List<JsonNode> answers(Answer answer) {
        assertThat(answer.status()).isEqualTo(200);
        assertThat(answer.header("Content-Type")).isEqualTo("application/x-ndjson");
        return answer.body().lines().map(JSON::readTree).toList();
    }

    private static String problem(JsonNode answer) {
        return answer.path("problem").path("type").asString("");
    }

    // ---- arrays

    @Test
    void anArrayIsAnsweredInItsOrder() {
        String a = fresh();
        String b = fresh();
        Answer answer = array(item(a, 1), item(b, 10), item(a, 2));

        assertThat(answer.status()).isEqualTo(200);
        assertThat(answer.body())
                .isEqualTo("[{\"value\":1,\"version\":1},{\"value\":10,\"version\":1},{\"value\":3,\"version\":2}]");
    }

    @Test
    void oneBadItemFailsNoOther() {
        String a = fresh();
        String bounded = fresh();
        client.put("bulk/" + bounded, "{\"max\":1}");
        JsonNode answers = array(
                        item(a, 1),
                        item(bounded, 5),
                        "7",
                        "{\"namespace\":\"bulk\",\"name\":\"" + a + "\"}",
                        item(a, 1).replace("1}", "1.5}"),
                        item(a, 1).replace("1}", "9223372036854775808}"),
                        item(a + "\\u0000", 1),
                        item(a, 1).replace("}", ",\"more\":{\"namespace\":[1,2]}}"),
                        keyed(a, 1, "a key"),
                        item(bounded, 1),
                        item(a, 1))
                .json();

        assertThat(answers.size()).isEqualTo(11);
        assertThat(answers.get(0).path("value").asLong()).isEqualTo(1);
        assertThat(problem(answers.get(1))).isEqualTo("/problems/bound-exceeded");
        IntStream.rangeClosed(2, 8)
                .forEach(i ->
                        assertThat(problem(answers.get(i))).as("item %s", i).isEqualTo("/problems/malformed"));
        assertThat(answers.get(9).path("value").asLong()).isEqualTo(1);
        assertThat(answers.get(10).path("value").asLong()).isEqualTo(2);
        assertThat(value(a)).isEqualTo(2);
    }

    @Test
    void anItemWithAKeyCountsOnce() {
        String a = fresh();
        String first = keyed(a, 5, "k" + a);
        JsonNode answers = array(first, first, keyed(a, 6, "k" + a), item(a, 1)).json();

        assertThat(answers.get(0).path("value").asLong()
                        - answers.get(0).path("version").asLong())
                .isEqualTo(4);
        assertThat(answers.get(1).path("value")).isEqualTo(answers.get(0).path("value"));
        assertThat(answers.get(1).path("replayed").asBoolean()).isTrue();
        assertThat(problem(answers.get(2))).isEqualTo("/problems/idempotency-key-reused");
        assertThat(value(a)).isEqualTo(6);
        // The same increment, asked for alone.
        Answer alone = client.increment("bulk/" + a, 5, "Idempotency-Key", "k" + a);
        assertThat(alone.header("Idempotency-Replayed")).isEqualTo("true");
        assertThat(alone.json().path("value")).isEqualTo(answers.get(0).path("value"));
    }

    @Test
    void anArrayWithAKeyIsReplayed() {
        String a = fresh();
        String body = "[" + item(a, 1) + "," + item(a, 1) + "]";
        Answer first = client.send("POST", "/v1/increments", body, "Idempotency-Key", a);
        Answer again = client.send("POST", "/v1/increments", body, "Idempotency-Key", a);

        assertThat(first.header("Idempotency-Replayed")).isEmpty();
        assertThat(again.header("Idempotency-Replayed")).isEqualTo("true");
        assertThat(again.json().get(1).path("value").asLong()).isEqualTo(2);
        assertThat(value(a)).isEqualTo(2);
    }

    @ParameterizedTest
    @ValueSource(strings = {"{}", "1", "[", "[1", "[{]", "[] []", "[{\"namespace\":\"bulk\",\"namespace\":\"bulk\"}]"})
    void whatIsNoArrayIsRefused(String body) {
        Answer answer = client.send("POST", "/v1/increments", body);

        assertThat(answer.status()).isEqualTo(400);
        assertThat(answer.problem()).isEqualTo("malformed");
    }

    @Test
    void aThousandIsTheMostOfAnArray() {
        String a = fresh();
        List<String> items = IntStream.range(0, 1_001).mapToObj(i -> item(a, 1)).toList();

        assertThat(array(items.toArray(String[]::new)).status()).isEqualTo(413);
        assertThat(client.get("/v1/counters/bulk/" + a).status()).isEqualTo(404);
        assertThat(array(items.subList(1, 1_001).toArray(String[]::new)).json().size())
                .isEqualTo(1_000);
        assertThat(value(a)).isEqualTo(1_000);
        assertThat(array().body()).isEqualTo("[]");
    }

    @Test
    void otherRequestsAreRefused() {
        assertThat(stream("x", "Content-Type", "text/plain").status()).isEqualTo(415);
        assertThat(stream("").status()).isEqualTo(400);
        assertThat(stream("[]", "Accept", "text/html").status()).isEqualTo(406);
        assertThat(stream("[]", "If-Match", "*").status()).isEqualTo(412);
        assertThat(stream("[]", "Idempotency-Key", "a b").status()).isEqualTo(400);
        assertThat(stream("[" + " ".repeat(1 << 20) + "]").status()).isEqualTo(413);
        assertThat(client.get("/v1/increments").status()).isEqualTo(405);
    }

    // ---- streams

    @Test
    void aStreamIsAnsweredInItsOrder() {
        String run = fresh();
        int lines = 20_000;
        List<String> names = IntStream.range(0, lines)
                .mapToObj(i -> run + "/" + (i * 31 % 50))
                .toList();
        List<JsonNode> answers =
                answers(stream(names.stream().map(name -> item(name, 1) + "\n").collect(Collectors.joining()), STREAM));

        assertThat(answers).hasSize(lines);
        Map<String, Long> values = new HashMap<>();
        for (int i = 0; i < lines; i++) {
            long expected = values.merge(names.get(i), 1L, Long::sum);
            assertThat(answers.get(i).path("value").asLong()).isEqualTo(expected);
            assertThat(answers.get(i).path("version").asLong()).isEqualTo(expected);
        }
    }

    @Test
    void aBadLineIsThatLinesProblemOnly() {
        String a = fresh();
        List<JsonNode> answers = answers(stream(
                String.join(
                        "\n",
                        item(a, 1),
                        "",
                        "no json",
                        item(a, 1) + "\r",
                        "  \t",
                        "{\"namespace\":\"" + "x".repeat(9_000) + "\"}",
                        item(a, 1) + " " + item(a, 1),
                        "[" + item(a, 1) + "]",
                        "\u00e9\u0001",
                        item(a, 1)),
                STREAM));

        assertThat(answers.stream()
                        .map(answer -> answer.has("problem")
                                ? problem(answer)
                                : answer.path("value").asString()))
                .containsExactly(
                        "1",
                        "/problems/malformed",
                        "2",
                        "/problems/content-too-large",
                        "/problems/malformed",
                        "/problems/malformed",
                        "/problems/malformed",
                        "3");
        assertThat(value(a)).isEqualTo(3);
    }

    @Test
    void aMinimalAnswerSums() {
        String a = fresh();
        String lines = item(a, 1) + "\n\n" + "x\n".repeat(12) + keyed(a, 1, a) + "\n" + keyed(a, 1, a);
        Answer answer = stream(lines, MINIMAL);

        assertThat(answer.header("Preference-Applied")).isEqualTo("return=minimal");
        assertThat(answer.json().path("applied").asLong()).isEqualTo(2);
        assertThat(answer.json().path("replayed").asLong()).isEqualTo(1);
        assertThat(answer.json().path("rejected").asLong()).isEqualTo(12);
        JsonNode problems = answer.json().path("firstProblems");
        assertThat(problems.size()).isEqualTo(10);
        assertThat(problems.get(0).path("line").asLong()).isEqualTo(3);
        assertThat(problems.get(0).path("problem").path("status").asInt()).isEqualTo(400);
    }

    @Test
    void anEmptyStreamHasNoAnswers() throws IOException {
        RawHttp.Response response = RawHttp.exchange(server.uri(), head("Content-Length: 0"));
        assertThat(response.status()).isEqualTo(200);
        assertThat(response.body()).isEmpty();
    }

    /** A client that waits for each response before it sends the next line gets every response. */
    @Test
    void aLineIsAnsweredBeforeTheNextIsSent() throws IOException {
        String a = fresh();
        try (RawHttp connection = new RawHttp(server.uri())) {
            connection.send(head(CHUNKED));
            for (int i = 1; i <= 3; i++) {
                connection.send(chunk(item(a, 1) + "\n"));
                if (i == 1) {
                    assertThat(connection.readHead().status()).isEqualTo(200);
                }
                assertThat(connection.readChunk()).isEqualTo("{\"value\":" + i + ",\"version\":" + i + "}\n");
            }
            connection.send("0\r\n\r\n");
            assertThat(connection.readChunk()).isEmpty();
        }
    }

    private static String head(String... fields) {
        return headOfType("application/x-ndjson", fields);
    }

    private static String headOfType(String type, String... fields) {
        return "POST /v1/increments HTTP/1.1\r\nHost: tally\r\nContent-Type: " + type + "\r\n"
                + String.join("\r\n", fields) + "\r\n\r\n";
    }

    private static String chunk(String text) {
        return Integer.toHexString(text.length()) + "\r\n" + text + "\r\n";
    }

    @Test
    void anUploadThatBrokeIsResumedBySendingItAgain() throws Exception {
        String a = fresh();
        int lines = 5_000;
        List<String> input = IntStream.range(0, lines)
                .mapToObj(i -> item(a + "-" + i % 7, 1) + "\n")
                .toList();
        String head = head("Idempotency-Key: " + a, CHUNKED);
        try (RawHttp broken = new RawHttp(server.uri())) {
            broken.send(head);
            String half = String.join("", input.subList(0, lines / 2));
            // Cut in the middle of a line.
            broken.send(chunk(half.substring(0, half.length() - 10)));
            assertThat(broken.readHead().status()).isEqualTo(200);
        }

        String all = String.join("", input);
        Answer resumed =
                new TallyClient(other.uri()).send("POST", "/v1/increments", all, with(MINIMAL, "Idempotency-Key", a));
        assertThat(resumed.json().path("applied").asLong()
                        + resumed.json().path("replayed").asLong())
                .isEqualTo(lines);
        assertThat(resumed.json().path("replayed").asLong()).isPositive();
        Answer again = stream(all, with(MINIMAL, "Idempotency-Key", a));
        assertThat(again.json().path("replayed").asLong()).isEqualTo(lines);
        assertThat(again.header("Idempotency-Replayed")).isEqualTo("true");
        assertThat(IntStream.range(0, 7).mapToLong(i -> value(a + "-" + i)).sum())
                .isEqualTo(lines);
        // Another line under the same number is another request.
        JsonNode changed =
                answers(stream(item(a, 2), with(STREAM, "Idempotency-Key", a))).getFirst();
        assertThat(problem(changed)).isEqualTo("/problems/idempotency-key-reused");
    }

    private static String[] with(String[] headers, String... more) {
        List<String> all = new ArrayList<>(List.of(headers));
        all.addAll(List.of(more));
        return all.toArray(String[]::new);
    }

    /** A stream waits for room; it neither fails nor takes the room of those that come alone. */
    @Test
    void aStreamWaitsWhereOthersAreRefused() throws Exception {
        Database narrow = Postgres.shared().createDatabase();
        try (TallyServer small = TallyServer.start(
                        narrow,
                        "tally.pipeline.batch-operations-max",
                        "32",
                        "tally.pipeline.queue-operations-max",
                        "64");
                ExecutorService executor = Executors.newVirtualThreadPerTaskExecutor()) {
            TallyClient asking = new TallyClient(small.uri());
            AtomicBoolean uploading = new AtomicBoolean(true);
            Future<List<Integer>> alone = executor.submit(() -> {
                List<Integer> statuses = new ArrayList<>();
                while (uploading.get()) {
                    statuses.add(asking.increment("bulk/alone", 1).status());
                }
                return statuses;
            });
            String lines = (item("streamed", 1) + "\n").repeat(4_000);
            List<Answer> answers = Clients.atOnce(3, upload -> asking.send("POST", "/v1/increments", lines, MINIMAL));
            uploading.set(false);

            assertThat(answers)
                    .allSatisfy(answer ->
                            assertThat(answer.json().path("applied").asLong()).isEqualTo(4_000));
            assertThat(asking.value("bulk/streamed")).isEqualTo(12_000);
            assertThat(alone.get()).isNotEmpty().containsOnly(200);
        }
    }

    /** While the database is slow, no more is read than has room; then it goes on. */
    @Test
    void aSlowDatabaseSlowsTheReader() throws Exception {
        String a = fresh();
        client.increment("bulk/" + a, 1);
        String block = (item(a, 1) + "\n").repeat(1_000);
        AtomicLong sent = new AtomicLong();
        AtomicBoolean sending = new AtomicBoolean(true);
        try (RawHttp connection = new RawHttp(server.uri());
                ExecutorService executor = Executors.newVirtualThreadPerTaskExecutor()) {
            connection.send(head("Prefer: return=minimal", CHUNKED));
            Future<?> upload;
            long whileLocked;
            try (Connection locker = database.of("bulk").connect()) {
                locker.setAutoCommit(false);
                try (Statement lock = locker.createStatement()) {
                    lock.execute("select * from counter where namespace = 'bulk' and name = '" + a + "' for update");
                }
                upload = executor.submit(() -> {
                    while (sending.get()) {
                        connection.send(chunk(block));
                        sent.incrementAndGet();
                    }
                    connection.send("0\r\n\r\n");
                    return sent.get();
                });
                whileLocked = settled(sent);
                locker.rollback();
            }
            assertThat(whileLocked * block.length()).as("bytes taken").isLessThan(32L << 20);
            Clients.await("more", Duration.ofSeconds(30), () -> sent.get() > whileLocked + 100);
            sending.set(false);
            upload.get();

            JsonNode summary = connection.read().json();
            assertThat(summary.path("applied").asLong()).isEqualTo(sent.get() * 1_000);
            assertThat(value(a)).isEqualTo(sent.get() * 1_000 + 1);
        }
    }

    /** What is reached when nothing more is sent for a second. */
    private static long settled(AtomicLong sent) throws InterruptedException {
        long deadline = System.nanoTime() + Duration.ofSeconds(20).toNanos();
        long last = -1;
        while (sent.get() != last || last == 0) {
            if (System.nanoTime() - deadline > 0) {
                throw new AssertionError("still sending after " + sent.get());
            }
            last = sent.get();
            Thread.sleep(1_000);
        }
        return last;
    }

    // ---- streams that end before their end

    /** An instance that waits for bytes for so long, and has answered before; closed after the last test. */
    private static TallyServer impatient(String requestTimeout) {
        return IMPATIENT.computeIfAbsent(requestTimeout, BulkIT::startImpatient);
    }

    private static TallyServer startImpatient(String requestTimeout) {
        TallyServer server = TallyServer.start(
                database,
                "tally.http.request-timeout",
                requestTimeout,
                "spring.lifecycle.timeout-per-shutdown-phase",
                "10s");
        assertThat(new TallyClient(server.uri()).increment("bulk/warm", 1).status())
                .isEqualTo(200);
        return server;
    }

    @ParameterizedTest
    @ValueSource(strings = {"", "zz\r\n"})
    void aStreamThatBreaksOffSaysWhatWasApplied(String rest) throws Exception {
        TallyServer limited = impatient("4s");
        String a = fresh();
        try (RawHttp minimal = new RawHttp(limited.uri());
                RawHttp lines = new RawHttp(limited.uri())) {
            minimal.send(head("Prefer: return=minimal", CHUNKED) + chunk((item(a, 1) + "\n").repeat(5)) + rest);
            RawHttp.Response summary = minimal.read();
            assertThat(summary.status()).isEqualTo(400);
            assertThat(summary.problem()).isEqualTo("stream-incomplete");
            assertThat(summary.json().path("applied").asLong()).isEqualTo(5);
            assertThat(minimal.readToEnd()).isEmpty();

            lines.send(head(CHUNKED) + chunk((item(a, 1) + "\n").repeat(5)) + rest);
            RawHttp.Response answers = lines.read();
            assertThat(answers.status()).isEqualTo(200);
            List<JsonNode> each = answers.body().lines().map(JSON::readTree).toList();
            assertThat(each).hasSize(6);
            assertThat(each.get(4).path("value").asLong()).isEqualTo(10);
            assertThat(problem(each.get(5))).isEqualTo("/problems/stream-incomplete");
            assertThat(lines.readToEnd()).isEmpty();
            assertThat(new TallyClient(limited.uri()).value("bulk/" + a)).isEqualTo(10);
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"application/x-ndjson", "application/ndjson", "Application/JSONL; charset=utf-8"})
    void aStreamMayTakeLongAsLongAsItGoesOn(String type) throws Exception {
        TallyServer limited = impatient("4s");
        String slow = fresh();
        try (RawHttp connection = new RawHttp(limited.uri())) {
            connection.send(headOfType(type, CHUNKED));
            long end = System.nanoTime() + Duration.ofSeconds(6).toNanos();
            int lines = 0;
            for (; System.nanoTime() < end; lines++) {
                connection.send(chunk(item(slow, 1) + "\n"));
                if (lines == 0) {
                    assertThat(connection.readHead().status()).isEqualTo(200);
                }
                assertThat(connection.readChunk()).contains("\"value\":" + (lines + 1));
                Thread.sleep(500);
            }
            connection.send("0\r\n\r\n");
            assertThat(connection.readChunk()).isEmpty();
        }
    }

    @Test
    void whoReadsNoAnswersIsClosed() throws Exception {
        TallyServer limited = impatient("1s");
        try (RawHttp connection = new RawHttp(limited.uri());
                ExecutorService executor = Executors.newVirtualThreadPerTaskExecutor()) {
            connection.send(head(CHUNKED));
            Future<Long> sending = executor.submit(() -> {
                long blocks = 0;
                while (connection.isOpenAfter(chunk("1\n".repeat(4_000)))) {
                    blocks++;
                }
                return blocks;
            });

            assertThat(sending.get()).isPositive();
        }
    }

    @Test
    void aStreamEndsWhenTheInstanceStops() throws Exception {
        // Nothing but the stop ends the stream meanwhile.
        TallyServer limited = impatient("5m");
        String a = fresh();
        try (RawHttp connection = new RawHttp(limited.uri());
                ExecutorService executor = Executors.newVirtualThreadPerTaskExecutor()) {
            connection.send(head(CHUNKED) + chunk(item(a, 1) + "\n"));
            assertThat(connection.readHead().status()).isEqualTo(200);
            assertThat(connection.readChunk()).isEqualTo("{\"value\":1,\"version\":1}\n");
            Future<?> closing = executor.submit(limited::close);

            assertThat(problem(JSON.readTree(connection.readChunk()))).isEqualTo("/problems/stream-incomplete");
            assertThat(connection.readChunk()).isEmpty();
            closing.get();
        }
    }

    /** Neither the interim answer nor that to the request before is taken for the answer to the one that is late. */
    @ParameterizedTest
    @ValueSource(strings = {"Expect: 100-continue", "X-Other: nothing"})
    void aLateBodyIsAnswered(String field) throws Exception {
        String late = "POST /v1/counters/bulk/late/increments HTTP/1.1\r\nHost: tally\r\n" + field
                + "\r\nContent-Type: application/json\r\nContent-Length: 20\r\n\r\n";
        String before = "GET /livez HTTP/1.1\r\nHost: tally\r\n\r\n";
        TallyServer limited = impatient("1s");
        try (RawHttp connection = new RawHttp(limited.uri())) {
            connection.send(before + late);
            assertThat(connection.read().status()).isEqualTo(200);
            RawHttp.Response response = connection.read();
            assertThat(response.status()).isEqualTo(408);
            assertThat(response.problem()).isEqualTo("request-timeout");
            assertThat(connection.readToEnd()).isEmpty();
        }
    }

    @Test
    void linesAreCounted() {
        stream(item(fresh(), 1) + "\nno json\n", STREAM);

        assertThat(new TallyClient(server.managementUri())
                        .get("/actuator/prometheus")
                        .body())
                .containsPattern("tally_bulk_lines_total\\{outcome=\"applied\"\\} [1-9]")
                .containsPattern("tally_bulk_lines_total\\{outcome=\"rejected\"\\} [1-9]")
                .contains("tally_bulk_lines_total{outcome=\"replayed\"}");
    }
}
