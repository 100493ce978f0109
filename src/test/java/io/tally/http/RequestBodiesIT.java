package io.tally.http;

import static java.nio.charset.StandardCharsets.ISO_8859_1;
import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import io.tally.testing.Postgres;
import io.tally.testing.RawHttp;
import io.tally.testing.RawHttp.Response;
import io.tally.testing.TallyClient;
import io.tally.testing.TallyServer;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.io.UncheckedIOException;
import java.net.HttpURLConnection;
import java.sql.SQLException;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.Stream;
import java.util.zip.GZIPOutputStream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Bodies that are coded with gzip, and bodies with nothing in them, on every route that takes one. */
@Timeout(300)
class RequestBodiesIT {

    private static final String JSON = "application/json";
    private static final String NDJSON = "application/x-ndjson";
    private static final String INCREMENT = "{\"namespace\":\"gz\",\"name\":\"NAME\",\"delta\":5}";

    private static final AtomicInteger names = new AtomicInteger();

    private static TallyServer server;
    private static TallyClient client;

    /**
     * A request and its answer. {@code NAME} is a name of its own.
     *
     * @param emptyStatus of the same request without a body
     */
    record Call(
            String method,
            String path,
            String type,
            String body,
            List<String> headers,
            int status,
            String answer,
            int emptyStatus) {

        boolean isStream() {
            return type.equals(NDJSON);
        }

        Response send(String type, String version, String framing, byte[] body, String... more) throws IOException {
            String name = "n" + names.incrementAndGet();
            client.put("gz/existing", "{}");
            StringBuilder request = new StringBuilder(
                    method + " " + path.replace("NAME", name) + " " + version + "\r\nHost: tally\r\n");
            Stream.of(
                            headers.stream(),
                            Stream.of(more),
                            Stream.of(type).filter(text -> !text.isEmpty()).map(text -> "Content-Type: " + text),
                            Stream.of(framing).filter(text -> !text.isEmpty()))
                    .flatMap(fields -> fields)
                    .forEach(field -> request.append(field).append("\r\n"));
            request.append("\r\n").append(new String(body, ISO_8859_1));
            return RawHttp.exchange(server.uri(), request.toString());
        }

        Response send(byte[] body, String... more) throws IOException {
            return send(type, "HTTP/1.1", "Content-Length: " + body.length, body, more);
        }

        byte[] gzip() {
            return RequestBodiesIT.gzip(body.replace("NAME", "n" + (names.get() + 1)));
        }

        @Override
        public String toString() {
            return method + " " + path + (isStream() ? " stream" : "");
        }
    }

    @BeforeAll
    static void start() throws SQLException {
        server = TallyServer.start(Postgres.shared().createDatabase(), "tally.lab.enabled", "true");
        client = new TallyClient(server.uri());
    }

    @AfterAll
    static void stop() {
        client.requireBalancedBooks();
        server.close();
    }

    static List<Call> calls() {
        return List.of(
                call("POST", "/v1/counters/gz/NAME/increments", JSON, "{\"delta\":5}", 200, "\"delta\":5", 200),
                call("PUT", "/v1/counters/gz/NAME", JSON, "{\"initial\":7}", 201, "\"value\":7", 201),
                new Call(
                        "PATCH",
                        "/v1/counters/gz/existing",
                        JSON,
                        "{\"value\":9}",
                        List.of("If-Match: *"),
                        200,
                        "\"value\":9",
                        400),
                call("POST", "/v1/transactions", JSON, "{\"increments\":[" + INCREMENT + "]}", 200, "\"value\":5", 400),
                call("POST", "/v1/increments", JSON, "[" + INCREMENT + "]", 200, "\"value\":5", 400),
                call("POST", "/v1/increments", NDJSON, INCREMENT, 200, "\"value\":5", 200),
                call("POST", "/v1/names/gz", JSON, "[\"NAME\"]", 200, "\"created\":true", 400),
                call("POST", "/v1/names/gz", NDJSON, "\"NAME\"", 200, "\"created\":true", 200),
                call("POST", "/v1/tokens/gz", JSON, "{\"ttlSeconds\":60}", 201, "\"expiresAt\":\"", 201),
                // Both read their body, and say so without starting anything.
                call("POST", "/v1/snapshots/NAME", JSON, "{\"a\":1}", 400, "The body of a snapshot must", 202),
                call("POST", "/v1/lab/runs", JSON, "{\"workers\":1}", 400, "'strategy' is missing", 400));
    }

    private static Call call(
            String method, String path, String type, String body, int status, String answer, int emptyStatus) {
        return new Call(method, path, type, body, List.of(), status, answer, emptyStatus);
    }

    // ---- gzip

    @ParameterizedTest
    @MethodSource("calls")
    void gzipIsInflated(Call call) throws IOException {
        byte[] body = call.gzip();
        assertTaken(call, call.send(body, "Content-Encoding: gzip"));
        body = call.gzip();
        String length = "Content-Length: " + body.length;
        assertTaken(call, call.send(call.type(), "HTTP/1.0", length, body, "Content-Encoding: gzip"));
        body = call.gzip();
        assertTaken(call, call.send(body, "Content-Encoding: X-GZip, identity", "Content-Encoding: ,"));
        body = call.gzip();
        String chunked = "Transfer-Encoding: chunked";
        assertTaken(call, call.send(call.type(), "HTTP/1.1", chunked, chunks(body), "Content-Encoding: gzip"));
        if (!call.method().equals("PUT")) {
            body = call.gzip();
            String key = "Idempotency-Key: " + Arrays.hashCode(body);
            assertTaken(call, call.send(body, "Content-Encoding: gzip", key));
        }
    }

    @ParameterizedTest
    @MethodSource("calls")
    void noCodingIsNone(Call call) throws IOException {
        byte[] body = call.body().replace("NAME", "n" + (names.get() + 1)).getBytes(UTF_8);
        assertTaken(call, call.send(body, "Content-Encoding: identity", "Content-Encoding:"));
    }

    private static void assertTaken(Call call, Response answer) {
        assertThat(answer.status()).as(answer.body()).isEqualTo(call.status());
        assertThat(answer.body()).contains(call.answer());
    }

    @ParameterizedTest
    @MethodSource("calls")
    void otherCodingsAreUnsupported(Call call) throws IOException {
        for (String coding : List.of("br", "deflate", "zstd", "compress", "gzip, gzip", "gzip,br", "x", "\"gzip\"")) {
            byte[] body = call.body().getBytes(UTF_8);
            assertUnsupported(call.send(body, "Content-Encoding: " + coding));
            assertUnsupported(call.send(body, "Content-Encoding: gzip", "Content-Encoding: " + coding));
        }
    }

    private static void assertUnsupported(Response answer) {
        assertThat(answer.status()).as(answer.body()).isEqualTo(415);
        assertThat(answer.problem()).isEqualTo("unsupported-media-type");
        assertThat(answer.header("Accept-Encoding")).isEqualTo("gzip");
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "GET /v1/counters/gz/existing",
                "DELETE /v1/counters/gz/absent",
                "PUT /v1/counters/gz/likes/members/ann",
                "POST /v1/audits",
                "GET /v1/counters/gz/existing/events",
                "GET /livez"
            })
    void codingsAreLookedAtWhereNoBodyIsRead(String line) throws IOException {
        client.put("gz/existing", "{}");
        assertUnsupported(RawHttp.exchange(
                server.uri(), line + " HTTP/1.1\r\nHost: tally\r\nContent-Encoding: br\r\nContent-Length: 1\r\n\r\nx"));
    }

    /** The body is plain JSON, breaks off, is followed by something, or has a wrong checksum. */
    @ParameterizedTest
    @MethodSource("calls")
    void invalidGzipIsMalformed(Call call) throws IOException {
        byte[] whole = call.gzip();
        byte[] wrong = whole.clone();
        wrong[wrong.length - 6] ^= 1;
        byte[] half = Arrays.copyOf(whole, whole.length / 2);
        byte[] cut = Arrays.copyOf(whole, whole.length - 1);
        byte[] followed = Arrays.copyOf(whole, whole.length + 1);
        for (byte[] body : List.of(call.body().getBytes(UTF_8), half, cut, followed, wrong)) {
            Response answer = call.send(body, "Content-Encoding: gzip");
            if (call.isStream()) {
                assertThat(answer.status()).isEqualTo(200);
                assertThat(answer.body())
                        .contains("/problems/stream-incomplete")
                        .doesNotContain(call.answer());
            } else {
                assertThat(answer.status()).as(answer.body()).isEqualTo(400);
                assertThat(answer.json().path("detail").asString()).contains("gzip");
            }
        }
    }

    /** Limits count inflated bytes. */
    @ParameterizedTest
    @MethodSource("calls")
    void moreThanTheLimitIsTooLarge(Call call) throws IOException {
        byte[] bomb = gzip("\0".repeat(10 << 20) + "\n" + call.body());
        assertThat(bomb.length).isLessThan(11 << 10);
        Response answer = call.send(bomb, "Content-Encoding: gzip");
        if (call.isStream()) {
            assertThat(answer.status()).isEqualTo(200);
            assertThat(answer.body().lines().toList())
                    .satisfiesExactly(
                            first -> assertThat(first).contains("/problems/content-too-large"),
                            second -> assertThat(second).contains(call.answer()));
        } else {
            assertThat(answer.status()).as(answer.body()).isEqualTo(413);
            assertThat(answer.problem()).isEqualTo("content-too-large");
        }
    }

    @Test
    void aStreamOfFiftyMegabytesCountsExactly() throws Exception {
        byte[] line = "{\"namespace\":\"gz\",\"name\":\"many\",\"delta\":1}\n".getBytes(UTF_8);
        int lines = (50 << 20) / line.length;
        HttpURLConnection upload = (HttpURLConnection)
                server.uri().resolve("/v1/increments").toURL().openConnection();
        upload.setRequestMethod("POST");
        upload.setDoOutput(true);
        upload.setChunkedStreamingMode(0);
        upload.setRequestProperty("Content-Type", NDJSON);
        upload.setRequestProperty("Content-Encoding", "gzip");
        upload.setRequestProperty("Prefer", "return=minimal");
        try (OutputStream body = new GZIPOutputStream(upload.getOutputStream())) {
            for (int i = 0; i < lines; i++) {
                body.write(line);
            }
        }
        assertThat(new String(upload.getInputStream().readAllBytes(), UTF_8)).contains("\"applied\":" + lines);
        assertThat(client.value("gz/many")).isEqualTo(lines);
    }

    /** What arrived before a stream broke is applied. */
    @Test
    void streamThatBreaksAppliesWhatArrived() throws IOException {
        byte[] body = gzip("{\"namespace\":\"gz\",\"name\":\"cut\",\"delta\":1}\n".repeat(10_000));
        Response answer = calls().get(5).send(Arrays.copyOf(body, body.length - 8), "Content-Encoding: gzip");
        assertThat(answer.body().lines()).hasSize(10_001);
        assertThat(answer.body().lines().toList().getLast()).contains("/problems/stream-incomplete");
        assertThat(client.value("gz/cut")).isEqualTo(10_000);
    }

    // ---- types

    @ParameterizedTest
    @MethodSource("calls")
    void bodyOfAnotherTypeIsUnsupported(Call call) throws IOException {
        byte[] body = call.body().getBytes(UTF_8);
        for (String type : List.of("", "text/plain", "application/*", "*/*", "application/vnd.tally+json")) {
            List<Response> answers = List.of(
                    call.send(type, "HTTP/1.1", "Content-Length: " + body.length, body),
                    call.send(type, "HTTP/1.1", "Transfer-Encoding: chunked", chunks(body)),
                    call.send(
                            type,
                            "HTTP/1.1",
                            "Content-Length: " + call.gzip().length,
                            call.gzip(),
                            "Content-Encoding: gzip"));
            assertThat(answers).allSatisfy(answer -> {
                assertThat(answer.status()).as(type + answer.body()).isEqualTo(415);
                assertThat(answer.problem()).isEqualTo("unsupported-media-type");
            });
        }
    }

    // ---- nothing

    @ParameterizedTest
    @MethodSource("calls")
    void emptyBodyOfAnyTypeIsNone(Call call) throws IOException {
        for (String type : List.of(
                "",
                JSON,
                "application/x-www-form-urlencoded",
                "text/plain;charset=UTF-8",
                "multipart/form-data; boundary=x",
                "application/json; charset=unheard-of",
                "garbage")) {
            Call own = call.isStream() ? calls().get(4) : call;
            assertEmpty(own, own.send(type, "HTTP/1.1", "Content-Length: 0", new byte[0]));
            assertEmpty(own, own.send(type, "HTTP/1.1", "", new byte[0]));
            assertEmpty(own, own.send(type, "HTTP/1.0", "", new byte[0]));
            assertEmpty(own, own.send(type, "HTTP/1.1", "Transfer-Encoding: chunked", chunks(new byte[0])));
            byte[] trailer = "0\r\nA: b\r\n\r\n".getBytes(UTF_8);
            assertEmpty(own, own.send(type, "HTTP/1.1", "Transfer-Encoding: chunked", trailer));
            byte[] nothing = gzip("");
            String length = "Content-Length: " + nothing.length;
            assertEmpty(own, own.send(type, "HTTP/1.1", length, nothing, "Content-Encoding: gzip"));
            assertEmpty(own, own.send(type, "HTTP/1.1", "Content-Length: 0", new byte[0], "Content-Encoding: gzip"));
        }
    }

    private static void assertEmpty(Call call, Response answer) {
        assertThat(answer.status()).as(answer.body()).isEqualTo(call.emptyStatus());
        if (call.emptyStatus() == 400) {
            assertThat(answer.json().path("detail").asString()).isEqualTo("The body is missing.");
        }
    }

    /** A stream of no lines is answered with none. */
    @Test
    void emptyStreamHasNoLines() throws IOException {
        for (Call call : calls()) {
            if (call.isStream()) {
                Response answer = call.send(new byte[0]);
                assertThat(answer.status()).isEqualTo(200);
                assertThat(answer.body()).isEmpty();
            }
        }
    }

    private static byte[] chunks(byte[] body) {
        StringBuilder chunks = new StringBuilder();
        String text = new String(body, ISO_8859_1);
        for (int i = 0; i < text.length(); i += 10) {
            String chunk = text.substring(i, Math.min(i + 10, text.length()));
            chunks.append(Integer.toHexString(chunk.length()))
                    .append("\r\n")
                    .append(chunk)
                    .append("\r\n");
        }
        return (chunks + "0\r\n\r\n").getBytes(ISO_8859_1);
    }

    private static byte[] gzip(String text) {
        ByteArrayOutputStream bytes = new ByteArrayOutputStream();
        try (GZIPOutputStream gzip = new GZIPOutputStream(bytes)) {
            gzip.write(text.getBytes(UTF_8));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        return bytes.toByteArray();
    }
}
