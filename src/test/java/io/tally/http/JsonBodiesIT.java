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
import java.util.UUID;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

/** What tools put before JSON, and the names they have for a stream of it. */
@Timeout(120)
class JsonBodiesIT {

    private static final String JSON = "application/json";
    private static final String LINES = "application/x-ndjson";

    /** In requests each character is one byte. */
    private static final String MARK = "\u00EF\u00BB\u00BF";

    private static TallyServer server;
    private static TallyClient client;

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

    /** A request with a body; {@code NAME} stands for a name that no other request has. */
    record Request(String method, String path, String type, String body, int status, List<String> headers) {

        String bytes(String name, String body) {
            String text = body.replace("NAME", name);
            StringBuilder request = new StringBuilder(method + " " + path.replace("NAME", name) + " HTTP/1.1\r\n");
            request.append("Host: tally\r\nContent-Type: ").append(type).append("\r\n");
            headers.forEach(header -> request.append(header).append("\r\n"));
            return request + "Content-Length: " + text.length() + "\r\n\r\n" + text;
        }

        @Override
        public String toString() {
            return method + " " + path + " " + type + " " + headers;
        }
    }

    private static Request request(
            String method, String path, String type, String body, int status, String... headers) {
        return new Request(method, path, type, body, status, List.of(headers));
    }

    static Stream<Request> requests() {
        String increments = "/v1/counters/body/NAME/increments";
        String item = "{\"namespace\":\"body\",\"name\":\"NAME\",\"delta\":7}";
        return Stream.of(
                request("POST", increments, JSON, "{\"delta\":7}", 200),
                request("POST", increments, JSON, "{\"delta\":7}", 200, "Idempotency-Key: k"),
                request("POST", increments, JSON, "{\"delta\":7}", 200, "Accept: application/json, */*"),
                request("POST", increments, JSON + ";charset=utf-8", "{\"delta\":7}", 200),
                request("PUT", "/v1/counters/body/NAME", JSON, "{\"initial\":7}", 201),
                request("PATCH", "/v1/counters/body/kept", JSON, "{\"value\":7}", 200, "If-Match: *"),
                request("POST", "/v1/increments", JSON, "[" + item + "]", 200),
                request("POST", "/v1/increments", LINES, item + "\n" + item, 200),
                request("POST", "/v1/increments", LINES, item, 200, "Prefer: return=minimal"),
                request("POST", "/v1/transactions", JSON, "{\"increments\":[" + item + "]}", 200),
                request("POST", "/v1/names/body", JSON, "[\"NAME\"]", 200),
                request("POST", "/v1/names/body", LINES, "\"NAME\"\n\"NAME\"", 200),
                request("POST", "/v1/tokens/body", JSON, "{\"size\":7}", 201),
                request(
                        "POST",
                        "/v1/lab/runs",
                        JSON,
                        "{\"strategy\":\"atomic\",\"workers\":1,\"increments\":1,\"counters\":1}",
                        202));
    }

    @ParameterizedTest
    @MethodSource("requests")
    void aByteOrderMarkIsIgnored(Request request) throws IOException {
        client.put("body/kept", "");
        String name = UUID.randomUUID().toString();

        Response answer = RawHttp.exchange(server.uri(), request.bytes(name, MARK + request.body()));

        assertThat(answer.status()).as(answer.body()).isEqualTo(request.status());
        assertThat(answer.body()).doesNotContain("problem");
        if (request.body().contains("\"delta\"")) {
            assertThat(client.value("body/" + name))
                    .isEqualTo(7L * request.body().lines().count());
        }
    }

    static Stream<Arguments> linesOfTypes() {
        return Stream.of(
                        "application/ndjson",
                        "application/jsonl",
                        "application/x-ndjson;charset=utf-8",
                        "application/ndjson; charset=UTF-8",
                        "Application/JSONL;charset=\"utf-8\"")
                .flatMap(type -> Stream.of(
                        Arguments.of(type, "/v1/increments", "{\"namespace\":\"body\",\"name\":\"NAME\",\"delta\":1}"),
                        Arguments.of(type, "/v1/names/types", "\"NAME\"")));
    }

    @ParameterizedTest
    @MethodSource("linesOfTypes")
    void eachNameOfTheMediaTypeIsAStream(String type, String path, String line) throws IOException {
        Request request = request("POST", path, type, line + "\n\nno json\n" + line, 200);

        Response answer =
                RawHttp.exchange(server.uri(), request.bytes(UUID.randomUUID().toString(), request.body()));

        assertThat(answer.status()).as(answer.body()).isEqualTo(200);
        assertThat(answer.header("Content-Type")).isEqualTo(LINES);
        assertThat(answer.body().lines()).hasSize(3);
        assertThat(answer.body().lines().filter(each -> each.contains("malformed")))
                .hasSize(1);
    }

    @ParameterizedTest
    @ValueSource(strings = {"application/json-lines", "application/jsonlx", "text/jsonl", "application/*"})
    void otherTypesAreRefused(String type) throws IOException {
        for (String path : List.of("/v1/increments", "/v1/names/types")) {
            Request request = request("POST", path, type, "\"a\"", 415);
            Response answer = RawHttp.exchange(server.uri(), request.bytes("a", request.body()));
            assertThat(answer.status()).isEqualTo(415);
            assertThat(answer.problem()).isEqualTo("unsupported-media-type");
        }
    }

    /** A line that is blank but for the mark counts as blank, and the mark may arrive in pieces. */
    @ParameterizedTest
    @ValueSource(ints = {1, 2, 3, 4})
    void aMarkMayStandAloneAndArriveInPieces(int cut) throws IOException {
        String body = MARK + "\r\n\"pieces\"\n";
        try (RawHttp connection = new RawHttp(server.uri())) {
            connection.send("POST /v1/names/types HTTP/1.1\r\nHost: tally\r\nContent-Type: application/jsonl\r\n"
                    + "Transfer-Encoding: chunked\r\n\r\n" + chunk(body.substring(0, cut)));
            connection.send(chunk(body.substring(cut)) + "0\r\n\r\n");
            Response answer = connection.read();
            assertThat(answer.status()).isEqualTo(200);
            assertThat(answer.body().lines()).hasSize(1).allMatch(line -> line.contains("\"name\":\"pieces\""));
        }
    }

    private static String chunk(String bytes) {
        return Integer.toHexString(bytes.length()) + "\r\n" + bytes + "\r\n";
    }
}
