package io.tally.http.server;

import static java.nio.charset.StandardCharsets.ISO_8859_1;
import static org.assertj.core.api.Assertions.assertThat;

import ch.qos.logback.classic.Level;
import ch.qos.logback.classic.Logger;
import ch.qos.logback.classic.spi.ILoggingEvent;
import ch.qos.logback.core.AppenderBase;
import io.tally.testing.Clients;
import io.tally.testing.Postgres;
import io.tally.testing.RawHttp;
import io.tally.testing.TallyClient;
import io.tally.testing.TallyServer;
import java.io.IOException;
import java.net.Socket;
import java.net.SocketTimeoutException;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.List;
import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.parallel.Isolated;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.slf4j.LoggerFactory;

/** Clients that break off their requests are counted, and write nothing to the log that an operator would look at. */
@Timeout(120)
// Alone: it looks at errors that any class logs.
@Isolated
class AbortedRequestsIT {

    private static final Logger ROOT = (Logger) LoggerFactory.getLogger(org.slf4j.Logger.ROOT_LOGGER_NAME);
    private static final String JSON = "Content-Type: application/json\r\n";
    private static final String NDJSON = "Content-Type: application/x-ndjson\r\n";
    private static final String LINE = "{\"namespace\":\"gone\",\"name\":\"a\",\"delta\":1}\n";

    private static final Errors errors = new Errors();

    private static TallyServer server;
    private static TallyClient client;

    private static final class Errors extends AppenderBase<ILoggingEvent> {

        private final Queue<String> events = new ConcurrentLinkedQueue<>();

        @Override
        protected void append(ILoggingEvent event) {
            if (event.getLevel().isGreaterOrEqual(Level.ERROR)) {
                events.add(event.getLoggerName() + ": " + event.getFormattedMessage());
            }
        }
    }

    /** How a request begins that does not end. */
    record Beginning(String what, String head, String body) {

        String bytes(boolean chunked) {
            return head + "Host: tally\r\n"
                    + (chunked
                            ? "Transfer-Encoding: chunked\r\n\r\n" + Integer.toHexString(body.length()) + "\r\n" + body
                                    + "\r\n"
                            : "Content-Length: 500000\r\n\r\n" + body);
        }

        @Override
        public String toString() {
            return what;
        }
    }

    static List<Beginning> beginnings() {
        List<Beginning> all = new ArrayList<>();
        for (String body : List.of("{\"delta\":1}", "{\"delta\":", "x")) {
            all.add(of("increment", "POST /v1/counters/gone/a/increments", JSON, body));
            all.add(of("routed increment", "POST /v1/counters/gone/a/increments", JSON + "Accept: a/b, */*\r\n", body));
            all.add(of("creation", "PUT /v1/counters/gone/b", JSON, body));
        }
        all.add(of("array", "POST /v1/increments", JSON, "[" + LINE));
        all.add(of("transaction", "POST /v1/transactions", JSON, "{\"increments\":["));
        all.add(of("stream", "POST /v1/increments", NDJSON, LINE.repeat(500)));
        all.add(of("stream with summary", "POST /v1/increments", NDJSON + "Prefer: return=minimal\r\n", LINE));
        all.add(of("names", "POST /v1/names/gone", NDJSON, "\"red\"\n"));
        all.add(of("gzip", "POST /v1/increments", NDJSON + "Content-Encoding: gzip\r\n", "x"));
        all.add(of("wrong type", "POST /v1/increments", "Content-Type: a/b\r\n", LINE));
        all.add(of("wrong path", "POST /v1/nothing", JSON, LINE));
        all.add(of("body of a read", "GET /v1/counters/gone/a", JSON, LINE));
        all.add(of("body of an audit", "POST /v1/audits", JSON, LINE));
        return all;
    }

    private static Beginning of(String what, String line, String fields, String body) {
        return new Beginning(what + " " + body.length(), line + " HTTP/1.1\r\n" + fields, body);
    }

    @BeforeAll
    static void start() throws SQLException {
        server = TallyServer.start(Postgres.shared().createDatabase(), "tally.http.request-timeout", "500ms");
        client = new TallyClient(server.uri());
        errors.start();
        ROOT.addAppender(errors);
    }

    @AfterAll
    static void stop() {
        client.requireBalancedBooks();
        server.close();
        ROOT.detachAppender(errors);
    }

    @BeforeEach
    void forget() {
        errors.events.clear();
    }

    private static double aborted(String reason) {
        return new TallyClient(server.managementUri())
                .get("/actuator/prometheus")
                .body()
                .lines()
                .filter(line -> line.startsWith("tally_http_aborted_requests_total{reason=\"" + reason + "\"}"))
                .mapToDouble(line -> Double.parseDouble(line.substring(line.lastIndexOf(' ') + 1)))
                .sum();
    }

    @ParameterizedTest
    @MethodSource("beginnings")
    void requestThatStopsArrivingIsNoError(Beginning beginning) throws IOException {
        for (boolean chunked : List.of(true, false)) {
            try (RawHttp connection = new RawHttp(server.uri())) {
                connection.send(beginning.bytes(chunked));
                connection.readToEnd();
            }
        }
        assertThat(errors.events).isEmpty();
    }

    @Test
    void abortedRequestsAreCountedByReason() throws Exception {
        Beginning array = of("array", "POST /v1/increments", JSON, "[");
        double timeouts = aborted("timeout");
        double chunks = aborted("invalid-chunk");
        double disconnects = aborted("disconnect");
        requestThatStopsArrivingIsNoError(array);
        assertThat(aborted("timeout")).isEqualTo(timeouts + 2);
        invalidChunkIsNoError(array);
        assertThat(aborted("invalid-chunk")).isEqualTo(chunks + 1);
        leave(array, true, true, false);
        Clients.await("counted", Clients.PATIENCE, () -> aborted("disconnect") > disconnects);
        assertThat(aborted("disconnect")).isEqualTo(disconnects + 1);
    }

    @ParameterizedTest
    @MethodSource("beginnings")
    void invalidChunkIsNoError(Beginning beginning) throws IOException {
        try (RawHttp connection = new RawHttp(server.uri())) {
            connection.send(beginning.bytes(true));
            connection.send("zz\r\n");
            connection.readToEnd();
        }
        assertThat(errors.events).isEmpty();
    }

    @ParameterizedTest
    @MethodSource("beginnings")
    void clientThatGoesAwayIsNoError(Beginning beginning) throws Exception {
        for (boolean reset : List.of(true, false)) {
            for (boolean chunked : List.of(true, false)) {
                for (boolean reads : List.of(true, false)) {
                    leave(beginning, reset, chunked, reads);
                }
            }
        }
        Clients.await(
                "all handled", Clients.PATIENCE, () -> client.get("/livez").status() == 200);
        assertThat(errors.events).isEmpty();
    }

    private static void leave(Beginning beginning, boolean reset, boolean chunked, boolean reads) throws IOException {
        try (Socket socket = new Socket(server.uri().getHost(), server.uri().getPort())) {
            socket.setSoLinger(reset, 0);
            socket.setSoTimeout(50);
            socket.getOutputStream().write(beginning.bytes(chunked).getBytes(ISO_8859_1));
            if (reads) {
                readOne(socket);
            }
        }
    }

    /** Leaves after the first byte of the answer, or when none came. */
    private static void readOne(Socket socket) throws IOException {
        try {
            assertThat(socket.getInputStream().read()).isNotZero();
        } catch (SocketTimeoutException none) {
            // The answer waits for the rest of the request.
        }
    }
}
