package io.tally.http.server;

import static org.assertj.core.api.Assertions.assertThat;

import io.tally.testing.Clients;
import io.tally.testing.Database;
import io.tally.testing.Postgres;
import io.tally.testing.RawHttp;
import io.tally.testing.RawHttp.Response;
import io.tally.testing.TallyServer;
import java.io.IOException;
import java.sql.Connection;
import java.sql.SQLException;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** What the server does with bytes that are no HTTP, too much of it, or too little for too long. */
@Timeout(60)
class WireLimitsIT {

    private static final String INCREMENTS = "/v1/counters/wire/a/increments";
    private static final String POST =
            "POST " + INCREMENTS + " HTTP/1.1\r\nHost: tally\r\nContent-Type: application/json\r\n";
    private static final String PUT =
            "PUT /v1/counters/wire/new HTTP/1.1\r\nHost: tally\r\nContent-Type: application/json\r\n";
    private static final String GET = "GET /v1/counters/wire/a HTTP/1.1\r\nHost: tally\r\n";
    private static final String INCREMENT = POST + "Content-Length: 0\r\n\r\n";
    private static final String ONE = "{\"delta\":1}";
    private static final Duration IDLE = Duration.ofSeconds(1);

    private static Database database;
    private static TallyServer server;

    private long version;

    @BeforeAll
    static void start() throws SQLException {
        database = Postgres.shared().createDatabase();
        server =
                TallyServer.start(database, "tally.http.request-timeout", "1s", "server.netty.idle-timeout", "" + IDLE);
    }

    @AfterAll
    static void stop() {
        server.close();
    }

    @BeforeEach
    void know() throws IOException {
        version = increment();
    }

    /** Answers as ever, and balances. */
    @AfterEach
    void goesOn() throws IOException {
        Response answer = exchange(GET + "\r\n");
        assertThat(answer.status()).isEqualTo(200);
        Response audit = exchange("POST /v1/audits HTTP/1.1\r\nHost: tally\r\nContent-Length: 0\r\n\r\n");
        assertThat(audit.json().path("drift").asLong(-1)).isZero();
        assertThat(audit.json().path("lostOperations").asLong(-1)).isZero();
    }

    private static Response exchange(String request) throws IOException {
        return RawHttp.exchange(server.uri(), request);
    }

    private static long increment() throws IOException {
        Response answer = exchange(INCREMENT);
        assertThat(answer.status()).isEqualTo(200);
        return answer.json().path("version").asLong();
    }

    private static void assertProblem(Response answer, int status, String problem) {
        assertThat(answer.status()).as(answer.body()).isEqualTo(status);
        assertThat(answer.header("Content-Type")).isEqualTo("application/problem+json");
        assertThat(answer.problem()).isEqualTo(problem);
        assertThat(answer.json().path("status").asInt()).isEqualTo(status);
        assertThat(answer.json().path("detail").asString()).isNotBlank();
        assertThat(answer.json().path("requestId").asString()).isNotBlank().isEqualTo(answer.header("X-Request-Id"));
    }

    private void assertNothingApplied() throws SQLException {
        assertThat(database.of("wire").queryLong("select version from counter where name = 'a'"))
                .isEqualTo(version);
        assertThat(database.sum("select count(*) from counter")).isEqualTo(1);
    }

    /** Sends what cannot be understood: one problem, and the connection is closed. */
    private void assertRefused(String request, int status, String problem) throws IOException, SQLException {
        try (RawHttp connection = new RawHttp(server.uri())) {
            connection.send(request);
            assertProblem(connection.read(), status, problem);
            assertThat(connection.readToEnd()).isEmpty();
        }
        assertNothingApplied();
    }

    @Test
    void requestLineAboveTheLimitIsTooLong() throws Exception {
        assertRefused("GET /v1/counters/wire/" + "a".repeat(4096) + " HTTP/1.1\r\n\r\n", 414, "uri-too-long");
    }

    @Test
    void longestNamesFitTheRequestLine() throws Exception {
        String path = "/v1/counters/" + "n".repeat(64) + "/" + "%C3%BC".repeat(128);
        assertProblem(exchange("GET " + path + " HTTP/1.1\r\nHost: tally\r\n\r\n"), 404, "not-found");
    }

    @Test
    void oneHeaderFieldAboveTheLimitIsTooLarge() throws Exception {
        assertRefused(POST + "X: " + "a".repeat(8192) + "\r\n\r\n", 431, "headers-too-large");
    }

    @Test
    void manyHeaderFieldsAboveTheLimitAreTooLarge() throws Exception {
        assertRefused(POST + ("X: " + "a".repeat(100) + "\r\n").repeat(90) + "\r\n", 431, "headers-too-large");
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "garbage\r\n\r\n",
                "GET\r\n\r\n",
                "GET /livez\r\n\r\n",
                "GET /livez HTTP/1.1 x\r\n\r\n",
                "GET /livez FTP/1.1\r\n\r\n",
                "GET /livez HTTP/1.1\nHost: tally\n\n",
                "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
                "\u0016\u0003\u0001\u0000\u00A5\u0001\u0000\u0000\u00A1\u0003\u0003\r\n\r\n"
            })
    void garbageIsMalformed(String garbage) throws Exception {
        assertRefused(garbage, 400, "malformed");
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "A B: c",
                "A : c",
                "A\u0001: c",
                "A: c\u0001",
                "A: c\u0000d",
                "A: c\rd",
                ": c",
                "AAA",
                "A(: c",
                "Content-Length: -1",
                "Content-Length: +11",
                "Content-Length: x",
                "Content-Length: 99999999999999999999",
                "Content-Length: 11, 11",
                "Content-Length: 11\r\nContent-Length: 12",
                "Content-Length: 11\r\nTransfer-Encoding: chunked",
                "Transfer-Encoding: gzip",
                "Transfer-Encoding: xchunked"
            })
    void invalidHeaderFieldIsMalformed(String field) throws Exception {
        assertRefused(POST + field + "\r\n\r\n" + ONE, 400, "malformed");
    }

    /**
     * An optional body that breaks off is not one that was left out, and one that was complete until then is not
     * complete.
     */
    @ParameterizedTest
    @ValueSource(
            strings = {
                "zz\r\n{\"delta\":1}\r\n0\r\n\r\n",
                "-1\r\n{\"delta\":1}\r\n0\r\n\r\n",
                "fffffffffffffffff\r\n{\"delta\":1}\r\n0\r\n\r\n",
                "b\r\n{\"delta\":1}zz0\r\n\r\n",
                "b\r\n{\"delta\":1}\r\nzz\r\n\r\n",
                "5\r\n{\"del\r\nzz\r\nta\":1}\r\n0\r\n\r\n",
                "\r\n{}\r\n0\r\n\r\n"
            })
    void invalidChunkIsMalformed(String chunks) throws Exception {
        assertRefused(POST + "Transfer-Encoding: chunked\r\n\r\n" + chunks, 400, "malformed");
        assertRefused(PUT + "Transfer-Encoding: chunked\r\n\r\n" + chunks, 400, "malformed");
    }

    @Test
    void endlessChunkExtensionIsMalformed() throws Exception {
        String chunks = "b;" + "x".repeat(9000) + "\r\n" + ONE + "\r\n0\r\n\r\n";
        assertRefused(POST + "Transfer-Encoding: chunked\r\n\r\n" + chunks, 400, "malformed");
    }

    @Test
    void endlessTrailerIsMalformed() throws Exception {
        String chunks = "b\r\n" + ONE + "\r\n0\r\nX: " + "x".repeat(9000) + "\r\n\r\n";
        assertRefused(POST + "Transfer-Encoding: chunked\r\n\r\n" + chunks, 400, "malformed");
    }

    @Test
    void chunkedBodyIsTaken() throws Exception {
        Response answer = exchange(
                POST + "Transfer-Encoding: chunked\r\n\r\n9\r\n{\"delta\":\r\n3;x=y\r\n 2}\r\n0\r\nX: y\r\n\r\n");

        assertThat(answer.status()).isEqualTo(200);
        assertThat(answer.json().path("delta").asLong()).isEqualTo(2);
        assertThat(answer.json().path("version").asLong()).isEqualTo(version + 1);
    }

    @Test
    void chunkedBodyAboveTheLimitIsTooLarge() throws Exception {
        String chunk = "8000\r\n" + " ".repeat(0x8000) + "\r\n";
        try (RawHttp connection = new RawHttp(server.uri())) {
            connection.send(POST + "Transfer-Encoding: chunked\r\n\r\n" + chunk.repeat(4) + "2\r\n{}\r\n0\r\n\r\n");
            assertProblem(connection.read(), 413, "content-too-large");
        }
        assertNothingApplied();
    }

    /** The client gets 100 Continue before it sends the body. */
    @Test
    void expectedBodyIsAskedFor() throws Exception {
        try (RawHttp connection = new RawHttp(server.uri())) {
            connection.send(POST + "Content-Length: 11\r\nExpect: 100-continue\r\n\r\n");
            connection.send(ONE);
            Response answer = connection.read();
            assertThat(answer.status()).isEqualTo(200);
            assertThat(answer.json().path("version").asLong()).isEqualTo(version + 1);
        }
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "Content-Length: 100\r\n\r\n",
                "Content-Length: 100\r\n\r\n{\"delta\":1}",
                "Content-Length: 9999999999\r\n\r\n{\"delta\":1}",
                "Transfer-Encoding: chunked\r\n\r\n",
                "Transfer-Encoding: chunked\r\n\r\nb\r\n{\"delta\":1}\r\n"
            })
    void bodyThatNeverEndsTimesOut(String slow) throws Exception {
        assertRefused(POST + slow, 408, "request-timeout");
    }

    /** There is no request yet that could be answered. */
    @ParameterizedTest
    @ValueSource(strings = {"", "GET /liv", "GET /livez HTTP/1.1\r\n", "GET /livez HTTP/1.1\r\nHost: tally\r\nA: b"})
    void connectionWithoutAWholeRequestIsClosed(String beginning) throws Exception {
        try (RawHttp connection = new RawHttp(server.uri())) {
            connection.send(beginning);
            assertThat(connection.readToEnd()).isEmpty();
        }
        assertNothingApplied();
    }

    /** After increments, which are handled without the dispatcher, and after other requests. */
    @ParameterizedTest
    @ValueSource(strings = {"get", "increment", "get increment", "increment get", "increment increment"})
    void connectionThatBecomesIdleIsClosed(String requests) throws Exception {
        try (RawHttp connection = new RawHttp(server.uri())) {
            for (String request : List.of(requests.split(" ", -1))) {
                connection.send(request.equals("get") ? GET + "\r\n" : INCREMENT);
                assertThat(connection.read().status()).isEqualTo(200);
            }
            assertThat(connection.readToEnd()).isEmpty();
        }
    }

    @Test
    void connectionWithoutAWholeRequestAfterAnIncrementIsClosed() throws Exception {
        try (RawHttp connection = new RawHttp(server.uri())) {
            connection.send(INCREMENT + "POST /v1/cou");
            assertThat(connection.read().status()).isEqualTo(200);
            assertThat(connection.readToEnd()).isEmpty();
        }
    }

    @Test
    void connectionWithRequestsStaysOpen() throws Exception {
        Instant end = Instant.now().plus(IDLE.multipliedBy(2));
        try (RawHttp connection = new RawHttp(server.uri())) {
            for (int i = 0; Instant.now().isBefore(end); i++) {
                connection.send(i % 1000 == 999 ? GET + "\r\n" : INCREMENT);
                assertThat(connection.read().status()).isEqualTo(200);
            }
        }
    }

    @Test
    void incrementMayTakeLongerThanTheIdleTimeOut() throws Exception {
        try (RawHttp connection = new RawHttp(server.uri());
                Connection other = database.of("wire").connect()) {
            connection.send(INCREMENT);
            assertThat(connection.read().status()).isEqualTo(200);
            other.setAutoCommit(false);
            other.createStatement().execute("select from counter where name = 'a' for update");
            Instant locked = Instant.now();
            connection.send(INCREMENT);
            Clients.await("later", Clients.PATIENCE, () -> Instant.now().isAfter(locked.plus(IDLE.multipliedBy(2))));
            other.rollback();
            assertThat(connection.read().status()).isEqualTo(200);
        }
    }

    @Test
    void clientThatGoesAwayWithinABodyChangesNothing() throws Exception {
        try (RawHttp connection = new RawHttp(server.uri())) {
            connection.send(POST + "Content-Length: 100\r\n\r\n" + ONE);
            connection.sendEnd();
            assertThat(connection.readToEnd()).doesNotStartWith("HTTP/1.1 200");
        }
        // Operations on a counter keep their order: had that one been applied, this one would come after it.
        assertThat(increment()).isEqualTo(version + 1);
    }

    @ParameterizedTest
    @ValueSource(
            strings = {"", "Host: tally\r\nHost: tally\r\n", "Host: tally\r\nhost: other\r\n", "Host:\r\nHost:\r\n"})
    void aRequestHasOneHost(String hosts) throws Exception {
        String direct = POST.replace("Host: tally\r\n", hosts) + "Content-Length: 11\r\n\r\n" + ONE;
        for (String request : List.of(
                direct,
                direct.replace("/json\r\n", "/json; charset=utf-8\r\n"),
                "GET /v1/counters/wire/a HTTP/1.1\r\n" + hosts + "\r\n",
                "GET /livez HTTP/1.1\r\n" + hosts + "\r\n")) {
            assertProblem(exchange(request), 400, "malformed");
        }
        assertNothingApplied();
    }

    @Test
    void http10NeedsNoHost() throws Exception {
        assertThat(exchange("GET /v1/counters/wire/a HTTP/1.0\r\n\r\n").status())
                .isEqualTo(200);
        assertProblem(exchange("GET /v1/counters/wire/a HTTP/1.0\r\nHost: a\r\nHost: b\r\n\r\n"), 400, "malformed");
    }

    @ParameterizedTest
    @ValueSource(
            strings = {"gzip, chunked", "deflate\r\nTransfer-Encoding: Chunked", "x-y,chunked", "gzip;q=1,chunked"})
    void otherTransferCodingIsNotImplemented(String coding) throws Exception {
        String body = "b\r\n" + ONE + "\r\n0\r\n\r\n";
        assertProblem(exchange(POST + "Transfer-Encoding: " + coding + "\r\n\r\n" + body), 501, "not-implemented");
        assertProblem(exchange(PUT + "Transfer-Encoding: " + coding + "\r\n\r\n" + body), 501, "not-implemented");
        assertNothingApplied();
    }

    @Test
    void hostWithTwoPortsIsMalformed() throws Exception {
        assertRefused("GET /v1/counters/wire/a HTTP/1.1\r\nHost: a:b:c\r\n\r\n", 400, "malformed");
    }

    @Test
    void http10IsAnsweredAndClosed() throws Exception {
        try (RawHttp connection = new RawHttp(server.uri())) {
            connection.send("GET /v1/counters/wire/a HTTP/1.0\r\n\r\n");
            Response answer = connection.read();
            assertThat(answer.status()).isEqualTo(200);
            assertThat(answer.json().path("version").asLong()).isEqualTo(version);
            assertThat(connection.readToEnd()).isEmpty();
        }
    }

    @Test
    void http10RefusalIsAProblem() throws Exception {
        assertRefused("GET /v1/counters/wire/absent HTTP/1.0\r\n\r\n", 404, "not-found");
    }

    @Test
    void pipelinedRequestsAreAnsweredInOrder() throws Exception {
        List<Integer> deltas = List.of(1, 20, -3, 400, 5);
        try (RawHttp connection = new RawHttp(server.uri())) {
            StringBuilder requests = new StringBuilder();
            for (int delta : deltas) {
                String body = "{\"delta\":" + delta + "}";
                requests.append(POST).append("Content-Length: ").append(body.length());
                requests.append("\r\n\r\n").append(body);
            }
            connection.send(requests.toString());
            for (int i = 0; i < deltas.size(); i++) {
                Response answer = connection.read();
                assertThat(answer.status()).isEqualTo(200);
                assertThat(answer.json().path("delta").asInt()).isEqualTo(deltas.get(i));
                assertThat(answer.json().path("version").asLong()).isEqualTo(version + 1 + i);
            }
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"HTTP/1.1\r\nHost: tally\r\nConnection: close", "HTTP/1.0"})
    void lastOfPipelinedRequestsIsAnswered(String last) throws Exception {
        try (RawHttp connection = new RawHttp(server.uri())) {
            connection.send(GET + "\r\n" + "GET /problems/malformed " + last + "\r\n\r\n");
            Response first = connection.read();
            assertThat(first.status()).isEqualTo(200);
            assertThat(first.header("Connection")).isEmpty();
            Response second = connection.read();
            assertThat(second.status()).isEqualTo(200);
            assertThat(second.header("Connection")).isEqualTo("close");
            assertThat(connection.readToEnd()).isEmpty();
        }
    }

    /**
     * A refusal leaves the connection as good as it was, and the answer to HEAD has no body that would be taken for the
     * next.
     */
    @Test
    void pipelinedRefusalsLeaveTheConnectionOpen() throws Exception {
        try (RawHttp connection = new RawHttp(server.uri())) {
            connection.send(POST + "Content-Length: 4\r\n\r\nnull"
                    + "GET /unheard-of HTTP/1.1\r\nHost: tally\r\n\r\n"
                    + GET + "If-None-Match: *\r\n\r\n"
                    + GET + "\r\n");
            assertProblem(connection.read(), 400, "malformed");
            assertProblem(connection.read(), 404, "not-found");
            assertThat(connection.read().status()).isEqualTo(304);
            assertThat(connection.read().json().path("version").asLong()).isEqualTo(version);
        }
    }

    @Test
    void headOfNothingIsFollowedByTheNextAnswer() throws Exception {
        try (RawHttp connection = new RawHttp(server.uri())) {
            connection.send("HEAD /unheard-of HTTP/1.1\r\nHost: tally\r\n\r\n" + GET + "Connection: close\r\n\r\n");
            String answers = connection.readToEnd();
            assertThat(answers).startsWith("HTTP/1.1 404 ").contains("\r\n\r\nHTTP/1.1 200 ");
            assertThat(answers).doesNotContain("/problems/not-found");
        }
    }

    @Test
    void garbageAfterARequestDoesNotSpoilItsAnswer() throws Exception {
        try (RawHttp connection = new RawHttp(server.uri())) {
            connection.send(POST + "Content-Length: 11\r\n\r\n" + ONE + "garbage\r\n\r\n");
            Response answer = connection.read();
            assertThat(answer.status()).isEqualTo(200);
            assertThat(answer.json().path("version").asLong()).isEqualTo(version + 1);
            connection.readToEnd();
        }
    }
}
