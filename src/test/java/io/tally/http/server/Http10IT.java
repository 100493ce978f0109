package io.tally.http.server;

import static org.assertj.core.api.Assertions.assertThat;

import io.tally.testing.Postgres;
import io.tally.testing.RawHttp;
import io.tally.testing.RawHttp.Response;
import io.tally.testing.TallyClient;
import io.tally.testing.TallyServer;
import java.io.IOException;
import java.sql.SQLException;
import java.util.Map;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Clients of HTTP/1.0: they cannot read chunks, and take the end of the connection for the end of a body. */
@Timeout(60)
class Http10IT {

    private static final String LINE = "{\"namespace\":\"old\",\"name\":\"b\",\"delta\":1}";

    private static TallyServer server;
    private static TallyClient client;
    private static String job;

    @BeforeAll
    static void start() throws SQLException {
        server = TallyServer.start(Postgres.shared().createDatabase(), "tally.http.request-timeout", "1s");
        client = new TallyClient(server.uri());
        client.put("old/a", "{}");
        job = client.post("/v1/snapshots/old").header("Location");
    }

    @AfterAll
    static void stop() {
        client.requireBalancedBooks();
        server.close();
    }

    private static String request(String line, String type, String more, String body) {
        return line.replace("JOB", job) + " HTTP/1.0\r\n" + more
                + (type.isEmpty() ? "" : "Content-Type: " + type + "\r\n")
                + "Content-Length: " + body.length() + "\r\n\r\n" + body;
    }

    /** A status, and how the body begins. */
    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "POST /v1/counters/old/a/increments | | | 200 | {\"value\":",
                "POST /v1/counters/old/a/increments | application/json | {\"delta\":0} | 200 | {\"value\":",
                "POST /v1/counters/old/a/increments | application/json; charset=utf-8 | {} | 200 | {\"value\":",
                "GET /v1/counters/old/a | | | 200 | {\"namespace\":",
                "GET /v1/counters/old | | | 200 | {\"items\":",
                "POST /v1/increments | application/json | [] | 200 | []",
                "POST /v1/increments | application/x-ndjson | LINE | 200 | {\"value\":",
                "POST /v1/names/old | application/x-ndjson | \"red\" | 200 | {\"name\":",
                "GET JOB | | | 200 | {\"id\":",
                "GET /v1/counters/old/absent | | | 404 | {\"detail\":",
                "POST /v1/counters/old/a/increments | application/json | x | 400 | {\"detail\":",
                "POST /v1/counters/old/%zz/increments | | | 400 | {\"detail\":",
                "PATCH /v1/audits | | | 405 | {\"detail\":",
                "GET /problems/malformed | | | 200 | The request",
                "GET /livez | | | 200 | {"
            })
    void answerEndsWithTheConnection(String line, String type, String body, int status, String begins)
            throws IOException {
        for (String more : new String[] {"", "Connection: keep-alive\r\n"}) {
            String content = body == null ? "" : body.replace("LINE", LINE);
            try (RawHttp connection = new RawHttp(server.uri())) {
                connection.send(request(line, type == null ? "" : type, more, content));
                Response head = connection.readHead();
                assertThat(head.status()).isEqualTo(status);
                assertThat(head.version()).isEqualTo("HTTP/1.1");
                assertThat(head.headers())
                        .doesNotContainKey("Transfer-Encoding")
                        .containsEntry("Connection", "close");
                String rest = connection.readToEnd();
                assertThat(rest).startsWith(begins);
                if (head.headers().containsKey("Content-Length")) {
                    assertThat(rest.length()).isEqualTo(Integer.parseInt(head.header("Content-Length")));
                }
            }
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"GET /v1/counters/old/a/events", "GET /v1/counters/old/events?name=a&name=x", "GET JOB"})
    void eventsAreNotChunked(String line) throws IOException {
        try (RawHttp connection = new RawHttp(server.uri())) {
            connection.send(request(line, "", "Accept: text/event-stream\r\n", ""));
            Response head = connection.readHead();
            assertThat(head.status()).isEqualTo(200);
            assertThat(head.version()).isEqualTo("HTTP/1.1");
            assertThat(head.headers()).doesNotContainKey("Transfer-Encoding").containsEntry("Connection", "close");
            assertThat(connection.readLine()).matches("(id|event|data|retry|): ?.*");
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"POST /v1/counters/old/a/increments", "POST /v1/increments"})
    void timeOutsEndWithTheConnection(String line) throws IOException {
        try (RawHttp connection = new RawHttp(server.uri())) {
            connection.send(line + " HTTP/1.0\r\nContent-Type: application/json\r\nContent-Length: 11\r\n\r\n{");
            Response head = connection.readHead();
            assertThat(Map.of(head.version(), head.status())).isEqualTo(Map.of("HTTP/1.1", 408));
            assertThat(connection.readToEnd()).startsWith("{\"detail\":");
        }
    }
}
