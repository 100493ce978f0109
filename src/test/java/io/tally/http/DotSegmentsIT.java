package io.tally.http;

import static org.assertj.core.api.Assertions.assertThat;

import io.tally.testing.Database;
import io.tally.testing.EventStream;
import io.tally.testing.Postgres;
import io.tally.testing.RawHttp;
import io.tally.testing.RawHttp.Response;
import io.tally.testing.TallyClient;
import io.tally.testing.TallyClient.Answer;
import io.tally.testing.TallyServer;
import java.io.IOException;
import java.sql.SQLException;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;
import tools.jackson.databind.JsonNode;

/**
 * Names that clients and proxies remove from paths: nothing new gets one, and what has one from before can be read,
 * changed and removed.
 */
@Timeout(120)
class DotSegmentsIT {

    private static final String ONE = "{\"delta\":1}";

    private static Database database;
    private static TallyServer server;
    private static TallyClient client;

    @BeforeAll
    static void start() throws SQLException {
        database = Postgres.shared().createDatabase();
        server = TallyServer.start(database);
        client = new TallyClient(server.uri());
    }

    @AfterAll
    static void stop() {
        client.requireBalancedBooks();
        server.close();
    }

    /** In path and body, {@code DOTS} stands for the name. */
    record Request(String method, String path, String body, List<String> headers) {

        Response send(String dots, String version) throws IOException {
            StringBuilder request = new StringBuilder(
                    method + " " + path.replace("DOTS", dots) + " " + version + "\r\nHost: tally\r\n");
            String text = body.replace("DOTS", dots);
            if (!text.isEmpty()) {
                request.append("Content-Type: application/json\r\nContent-Length: ")
                        .append(text.length())
                        .append("\r\n");
            }
            headers.forEach(header -> request.append(header).append("\r\n"));
            return RawHttp.exchange(server.uri(), request + "\r\n" + text);
        }

        @Override
        public String toString() {
            return method + " " + path + " " + headers;
        }
    }

    private static Request request(String method, String path, String body, String... headers) {
        return new Request(method, path, body, List.of(headers));
    }

    static Stream<Request> inPaths() {
        String counter = "/v1/counters/dots/DOTS";
        return Stream.of(
                request("POST", counter + "/increments", ""),
                request("POST", counter + "/increments", ONE),
                request("POST", counter + "/increments", ONE, "Idempotency-Key: dots"),
                request("POST", counter + "/increments", ONE, "Accept: application/json, */*"),
                request("POST", counter + "/increments", ONE, "If-Match: *"),
                request("PUT", counter, ""),
                request("PUT", counter, "{\"initial\":1}"),
                request("PUT", counter + "/members/ann", ""),
                request("PUT", "/v1/counters/dots/liked/members/DOTS", ""));
    }

    @ParameterizedTest
    @MethodSource("inPaths")
    void nothingIsMadeOfAPath(Request request) throws Exception {
        for (String dots : List.of(".", "..", "%2E", "%2e%2e", ".%2E")) {
            for (String version : List.of("HTTP/1.1", "HTTP/1.0")) {
                assertMalformed(request.send(dots, version));
            }
        }
        assertThat(database.of("dots").queryLong("select count(*) from counter where namespace = 'dots'"))
                .isZero();
    }

    private static void assertMalformed(Response answer) {
        assertThat(answer.status()).as(answer.body()).isEqualTo(400);
        assertThat(answer.problem()).isEqualTo("malformed");
        assertThat(answer.json().path("detail").asString()).contains("must not be '.' or '..'");
    }

    @ParameterizedTest
    @ValueSource(strings = {".", ".."})
    void nothingIsMadeOfATransaction(String dots) throws Exception {
        Request request = request(
                "POST",
                "/v1/transactions",
                "{\"increments\":[{\"namespace\":\"dots\",\"name\":\"good\",\"delta\":1},"
                        + "{\"namespace\":\"dots\",\"name\":\"DOTS\",\"delta\":1}]}");

        assertMalformed(request.send(dots, "HTTP/1.1"));
        assertThat(client.get("/v1/counters/dots/good").status()).isEqualTo(404);
    }

    @ParameterizedTest
    @ValueSource(strings = {"application/json", "application/x-ndjson"})
    void anItemIsRefusedInItsPlace(String type) throws Exception {
        boolean isStream = type.equals("application/x-ndjson");
        for (String dots : List.of(".", "..")) {
            String increment = "{\"namespace\":\"items\",\"name\":\"%s\",\"delta\":1}";
            assertSecondIsRefused(client.send(
                    "POST",
                    "/v1/increments",
                    list(isStream, increment.formatted("a"), increment.formatted(dots), increment.formatted("...")),
                    "Content-Type",
                    type));
            assertSecondIsRefused(client.send(
                    "POST",
                    "/v1/names/items",
                    list(isStream, "\"a\"", "\"" + dots + "\"", "\"...\""),
                    "Content-Type",
                    type));
        }
        assertThat(database.of("items").queryLong("select count(*) from counter where namespace = 'items'"))
                .isEqualTo(2);
        assertThat(database.of("items").queryLong("select count(*) from name where namespace = 'items'"))
                .isEqualTo(2);
    }

    private static String list(boolean isStream, String... items) {
        return isStream ? String.join("\n", items) : "[" + String.join(",", items) + "]";
    }

    private static void assertSecondIsRefused(Answer answer) {
        assertThat(answer.status()).as(answer.body()).isEqualTo(200);
        List<JsonNode> items = answer.header("Content-Type").equals("application/json")
                ? List.copyOf(answer.json().asArray().values())
                : answer.body()
                        .lines()
                        .map(line -> new TallyClient.Answer(200, line, answer.headers()).json())
                        .toList();
        assertThat(items).hasSize(3);
        assertThat(items.get(0).has("problem")).isFalse();
        assertThat(items.get(1).path("problem").path("type").asString()).isEqualTo("/problems/malformed");
        assertThat(items.get(2).has("problem")).isFalse();
    }

    @Test
    void namesWithMoreThanDotsAreNames() {
        for (String name : List.of("...", ".a", "a.", "..a", "a..", ".%2F.", "%20.")) {
            assertThat(client.increment("more/" + name, 1).status()).as(name).isEqualTo(200);
            assertThat(client.send("PUT", "/v1/counters/more/liked/members/" + name, "")
                            .status())
                    .isEqualTo(201);
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {".", ".."})
    void whatHasSuchANameIsReadChangedAndRemoved(String dots) throws Exception {
        String encoded = dots.replace(".", "%2E");
        String counter = "/v1/counters/old/" + encoded;
        database.of("old").execute("insert into counter (namespace, name, value) values ('old', ?, 0)", dots);
        assertThat(client.get(counter).json().path("name").asString()).isEqualTo(dots);
        assertThat(client.send("PATCH", counter, "{\"max\":9}", "If-Match", "*").status())
                .isEqualTo(200);
        try (EventStream events = new EventStream(server.uri(), counter + "/events")) {
            assertThat(events.await(1).name()).isEqualTo(dots);
        }
        assertThat(client.get("/v1/counters/old").body()).contains("\"name\":\"" + dots + "\"");
        assertThat(client.send("DELETE", counter, "").status()).isEqualTo(204);

        assertThat(client.send("PUT", "/v1/counters/old/liked/members/ann", "").status())
                .isEqualTo(201);
        // The place of a member that was there.
        database.of("old").execute("update member set member = ? where namespace = 'old' and name = 'liked'", dots);
        String member = "/v1/counters/old/liked/members/" + encoded;
        assertThat(client.get(member).status()).isEqualTo(200);
        assertThat(client.send("DELETE", member, "").json().path("value").asLong(-1))
                .isZero();
        assertThat(client.get(member).status()).isEqualTo(404);
        assertThat(client.send("DELETE", "/v1/counters/old/liked", "").status()).isEqualTo(204);

        database.of("old").execute("insert into name values (?, 1, now(), 'old', ?, ?)", dots.length(), dots, dots);
        assertThat(client.get("/v1/names/old/" + encoded).json().path("id").asInt())
                .isEqualTo(dots.length());

        database.of("old").execute("insert into token (namespace, token) values ('old', ?)", dots);
        assertThat(client.post("/v1/tokens/old/" + encoded + "/execution")
                        .json()
                        .path("state")
                        .asString())
                .isEqualTo("executed");
    }

    @Test
    void noTokenIsIssuedThatIsRemovedFromPaths() {
        for (int size : new int[] {1, 2}) {
            String format = "{\"size\":" + size + ",\"alphabet\":\"%s\"}";
            Answer refused = client.send("POST", "/v1/tokens/dots", format.formatted("."));
            assertThat(refused.status()).isEqualTo(400);
            assertThat(refused.problem()).isEqualTo("malformed");
            for (int i = 0; i < 20; i++) {
                Answer issued = client.send("POST", "/v1/tokens/dots" + size + i, format.formatted(".a"));
                assertThat(issued.status()).isEqualTo(201);
                assertThat(issued.json().path("token").asString()).contains("a");
            }
        }
        assertThat(client.send("POST", "/v1/tokens/dots", "{\"size\":3,\"alphabet\":\".\"}")
                        .json()
                        .path("token")
                        .asString())
                .isEqualTo("...");
    }
}
