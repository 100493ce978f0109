package io.tally.http;

import static org.assertj.core.api.Assertions.assertThat;

import io.tally.testing.Postgres;
import io.tally.testing.RawHttp;
import io.tally.testing.RawHttp.Response;
import io.tally.testing.TallyClient;
import io.tally.testing.TallyServer;
import java.io.IOException;
import java.sql.SQLException;
import java.util.List;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Parameters of queries that a route does not take, or takes once. */
@Timeout(60)
class RequestQueryIT {

    private static TallyServer server;
    private static TallyClient client;

    @BeforeAll
    static void start() throws SQLException {
        server = TallyServer.start(Postgres.shared().createDatabase(), "tally.lab.enabled", "true");
        client = new TallyClient(server.uri());
        assertThat(client.put("query/there", "{}").status()).isEqualTo(201);
    }

    /** Nothing was applied by a request that was refused. */
    @AfterAll
    static void stop() {
        assertThat(client.get("/v1/counters/query").json().path("items")).hasSize(1);
        assertThat(client.value("query/there")).isZero();
        client.requireBalancedBooks();
        server.close();
    }

    private static Response exchange(String line, String... fields) throws IOException {
        String request = line + " HTTP/1.1\r\nHost: tally\r\n" + String.join("", fields) + "\r\n";
        try (RawHttp connection = new RawHttp(server.uri())) {
            connection.send(request);
            return line.startsWith("HEAD") ? connection.readHead() : connection.readUntilEvent();
        }
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "POST /v1/counters/query/there/increments | none",
                "PUT /v1/counters/query/there | none",
                "PUT /v1/counters/query/absent | none",
                "GET /v1/counters/query/there | none",
                "PATCH /v1/counters/query/there | none",
                "DELETE /v1/counters/query/there | none",
                "OPTIONS /v1/counters/query/there | none",
                "GET /v1/counters/query | sort, limit, cursor, prefix",
                "OPTIONS /v1/counters/query | sort, limit, cursor, prefix",
                "GET /v1/namespaces | limit, cursor, prefix",
                "GET /v1/counters/query/there/events | int64",
                "GET /v1/counters/query/events | name, int64",
                "POST /v1/increments | none",
                "POST /v1/transactions | none",
                "PUT /v1/counters/query/likes/members/ann | none",
                "GET /v1/counters/query/likes/members/ann | none",
                "DELETE /v1/counters/query/likes/members/ann | none",
                "GET /v1/counters/query/likes/members | limit, cursor",
                "POST /v1/names/query | fold",
                "GET /v1/names/query | id",
                "GET /v1/names/query/red | fold",
                "POST /v1/tokens/query | none",
                "POST /v1/tokens/query/abc/execution | none",
                "POST /v1/snapshots/query | none",
                "GET /v1/jobs/2f1c6f0a-0000-0000-0000-000000000000 | int64",
                "POST /v1/audits | none",
                "POST /v1/lab/runs | none",
                "GET /v1/lab/runs | none",
                "GET /v1/lab/runs/2f1c6f0a-0000-0000-0000-000000000000 | int64",
                "DELETE /v1/lab/runs/2f1c6f0a-0000-0000-0000-000000000000 | none"
            })
    void unknownParameterIsMalformed(String line, String taken) throws IOException {
        for (String parameter : List.of("delta=5", "delta", "%64elta=5", "Delta=5", "de+lta=5")) {
            Response answer = exchange(line + "?" + parameter, "Content-Length: 0\r\n", events(line));
            assertThat(answer.status()).as(answer.body()).isEqualTo(400);
            assertThat(answer.problem()).isEqualTo("malformed");
            assertThat(answer.json().path("detail").asString())
                    .containsIgnoringCase(parameter.contains("+") ? "'de lta'" : "'delta'")
                    .endsWith(" Allowed: " + taken + ".");
        }
    }

    private static String events(String line) {
        return line.endsWith("/events") ? "Accept: text/event-stream\r\n" : "";
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "GET /v1/counters/query?limit=1&limit=2",
                "GET /v1/counters/query?limit=1&sort=name&limit=1",
                "GET /v1/counters/query?sort=name&sort=value",
                "GET /v1/counters/query?cursor=a&cursor=b",
                "GET /v1/counters/query?cursor=a&c%75rsor=b",
                "GET /v1/counters/query/there/members?limit=1&limit=2",
                "POST /v1/names/query?fold=lower&fold=lower",
                "GET /v1/names/query?id=1&id=2",
                "GET /v1/names/query/red?fold=lower&fold=lower"
            })
    void parameterThatStandsTwiceIsMalformed(String line) throws IOException {
        Response answer = exchange(line, "Content-Length: 0\r\n");
        assertThat(answer.status()).isEqualTo(400);
        assertThat(answer.json().path("detail").asString()).endsWith("must not occur more than once in the query.");
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "GET /v1/counters/query?limit",
                "GET /v1/counters/query?sort",
                "GET /v1/counters/query?cursor",
                "GET /v1/counters/query/likes/members?limit",
                "GET /v1/counters/query/events?name",
                "GET /v1/counters/query/events?name=there&name",
                "GET /v1/counters/query/events?name=there&n%61me=",
                "POST /v1/names/query?fold",
                "GET /v1/names/query?id",
                "GET /v1/names/query/red?fold"
            })
    void parameterWithoutAValueIsMalformed(String line) throws IOException {
        Response answer = exchange(line, "Content-Length: 0\r\n");
        assertThat(answer.status()).as(answer.body()).isEqualTo(400);
        assertThat(answer.problem()).isEqualTo("malformed");
    }

    @Test
    void headIsReadAsGetIs() throws IOException {
        assertThat(exchange("HEAD /v1/counters/query/there?delta=5").status()).isEqualTo(400);
        assertThat(exchange("HEAD /v1/counters/query?limit=1&limit=1").status()).isEqualTo(400);
        assertThat(exchange("HEAD /v1/counters/query?limit=1").status()).isEqualTo(200);
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "GET /v1/counters/query/there?",
                "GET /v1/counters/query?&limit=1&",
                "GET /v1/counters/query?sort=name&limit=1",
                "OPTIONS /v1/counters/query?limit=1",
                "GET /v1/counters/query/events?name=there&name=absent",
                "GET /problems/malformed?utm_source=mail",
                "GET /livez?probe=1"
            })
    void knownParametersAreTaken(String line) throws IOException {
        try (RawHttp connection = new RawHttp(server.uri())) {
            connection.send(line + " HTTP/1.1\r\nHost: tally\r\n\r\n");
            assertThat(connection.readHead().status()).isBetween(200, 204);
        }
    }
}
