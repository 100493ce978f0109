package io.tally.http.server;

import static org.assertj.core.api.Assertions.assertThat;

import io.netty.channel.ChannelOption;
import io.netty.handler.codec.http.HttpHeaders;
import io.netty.handler.codec.http.HttpMethod;
import io.netty.handler.codec.http.HttpVersion;
import io.tally.http.AccessControl;
import io.tally.http.ProblemException;
import io.tally.http.ProblemType;
import io.tally.http.SessionCookies;
import io.tally.testing.Clients;
import io.tally.testing.Database;
import io.tally.testing.Postgres;
import io.tally.testing.RawHttp;
import io.tally.testing.RawHttp.Response;
import io.tally.testing.TallyClient;
import io.tally.testing.TallyServer;
import java.io.BufferedInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.sql.SQLException;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.TreeMap;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.springframework.boot.reactor.netty.NettyReactiveWebServerFactory;
import org.springframework.boot.web.server.WebServerFactoryCustomizer;
import org.springframework.context.annotation.Primary;

/** The two ways of an increment, which answer alike: straight from the server, and through the dispatcher. */
@Timeout(300)
class DirectIncrementsIT {

    private static final String JSON = "Content-Type: application/json";
    /** Means the same as none, and takes a request through the dispatcher. */
    private static final String ROUTED = "Accept: application/json, */*";

    private static TallyServer server;
    private static TallyClient client;

    /** Requests that follow each other. */
    record Story(String what, List<Request> requests) {
        @Override
        public String toString() {
            return what;
        }
    }

    /** In the path, {@code NAME} stands for a counter of this test alone. */
    record Request(String path, List<String> headers, String body) {

        String bytes(String name, List<String> more) {
            StringBuilder request =
                    new StringBuilder("POST " + path.replace("NAME", name) + " HTTP/1.1\r\nHost: tally\r\n");
            headers.forEach(
                    header -> request.append(header.replace("NAME", name)).append("\r\n"));
            more.forEach(header -> request.append(header).append("\r\n"));
            return request + "Content-Length: " + body.length() + "\r\n\r\n" + body;
        }
    }

    @BeforeAll
    static void start() throws SQLException {
        server = TallyServer.shared();
        client = new TallyClient(server.uri());
    }

    @AfterAll
    static void stop() {
        client.requireBalancedBooks();
    }

    static List<Story> stories() {
        String key = "Idempotency-Key: k-NAME";
        return List.of(
                story("no body", plain(""), plain("")),
                story("a delta", json("{\"delta\":-7}"), json("{\"delta\":9}")),
                story("an empty object", json("{}")),
                story("blank", json("  ")),
                story("the largest delta", json("{\"delta\":9223372036854775807}"), json("{\"delta\":1}")),
                story("no object", json("[1]")),
                story("a fraction", json("{\"delta\":1.5}")),
                story("another member", json("{\"delta\":1,\"by\":2}")),
                story("cut off", json("{\"delta\":1")),
                story("something behind it", json("{\"delta\":1} 2")),
                story("twice the same member", json("{\"delta\":1,\"delta\":1}")),
                story("a namespace that is none", new Request("/v1/counters/-a/NAME/increments", List.of(), "")),
                story(
                        "a name that is too long",
                        new Request("/v1/counters/a/" + "x".repeat(257) + "/increments", List.of(), "")),
                story("a key", plain("", key), plain("", key), json("{\"delta\":1}", key)),
                story("a key for something else", plain("", key), json("{\"delta\":2}", key)),
                story("a key in quotes", plain("", "Idempotency-Key: \"k-NAME\""), plain("", key)),
                story("a key that is none", plain("", "Idempotency-Key: \"k")),
                story("two keys", plain("", key, "Idempotency-Key: b")),
                story("a request id", json("?", "X-Request-Id: r-1")),
                story("a request id in two words", json("?", "X-Request-Id: r 1")),
                story("a request id that is too long", json("?", "X-Request-Id: " + "r".repeat(129))),
                story("an empty request id", json("?", "X-Request-Id:")),
                story("two request ids", json("?", "X-Request-Id: r-1", "X-Request-Id: r-2")));
    }

    private static Story story(String what, Request... requests) {
        return new Story(what, List.of(requests));
    }

    private static Request plain(String body, String... headers) {
        return new Request("/v1/counters/direct/NAME/increments", List.of(headers), body);
    }

    private static Request json(String body, String... headers) {
        List<String> all = new ArrayList<>(List.of(headers));
        all.add(JSON);
        return plain(body, all.toArray(String[]::new));
    }

    @ParameterizedTest
    @MethodSource("stories")
    void bothWaysAnswerAlike(Story story) throws IOException {
        String name = story.what().replace(' ', '-');
        for (Request request : story.requests()) {
            Response direct = send(request, name + "-1", List.of());
            Response routed = send(request, name + "-2", List.of(ROUTED));
            assertThat(told(direct)).isEqualTo(told(routed));
        }
    }

    @Test
    void bothRefuseAlikeWhereABoundIsPassed() throws IOException {
        for (String name : List.of("bounded-1", "bounded-2")) {
            assertThat(client.put("direct/" + name, "{\"initial\":3,\"max\":3}").status())
                    .isEqualTo(201);
        }
        Response direct = send(plain(""), "bounded-1", List.of());
        Response routed = send(plain(""), "bounded-2", List.of(ROUTED));
        assertThat(direct.status()).isEqualTo(409);
        assertThat(told(direct)).isEqualTo(told(routed));
    }

    /** Refuses requests that ask for it, and says which request it was. */
    @Primary
    static final class RefusingGate extends RequestGate {

        RefusingGate() {
            super(authorization -> AccessControl.Granted.ANONYMOUS, SessionCookies.IGNORED);
        }

        @Override
        Decision decide(HttpVersion version, HttpMethod method, String path, HttpHeaders fields) {
            Decision decision = super.decide(version, method, path, fields);
            if (!fields.contains("X-Refuse")) {
                return decision;
            }
            var more = new org.springframework.http.HttpHeaders();
            more.set("Cache-Control", fields.get("X-Refuse"));
            return new Refused(decision.requestId(), new ProblemException(ProblemType.OVERLOADED, path, more));
        }
    }

    @Test
    void theGateRefusesBothAlike() throws Exception {
        Database database = Postgres.shared().createDatabase();
        try (TallyServer gated = TallyServer.start(database, "spring.main.sources", RefusingGate.class.getName())) {
            for (Request refused : List.of(
                    json("{\"delta\":1}", "X-Refuse: no-cache"),
                    json("{\"delta\":1}", "X-Refuse: no-cache", "X-Request-Id: r-1"),
                    json("?", "X-Refuse: no-cache"))) {
                Response direct = send(gated, refused, "gated", List.of());
                Response routed = send(gated, refused, "gated", List.of(ROUTED));
                assertThat(direct.status()).isEqualTo(503);
                assertThat(direct.header("Cache-Control")).isEqualTo("no-cache");
                assertThat(direct.header("Retry-After")).isEqualTo("1");
                assertThat(direct.json().path("detail").asString()).isEqualTo("/v1/counters/direct/gated/increments");
                assertThat(told(direct)).isEqualTo(told(routed));
            }
            assertThat(send(gated, plain(""), "gated", List.of()).status()).isEqualTo(200);
            assertThat(send(gated, plain(""), "gated", List.of(ROUTED)).status())
                    .isEqualTo(200);
        }
        assertThat(database.of("direct").queryLong("select value from counter")).isEqualTo(2);
    }

    @Test
    void bothAreCountedInTheSameSeries() throws Exception {
        // One that no other test asks, since a request is counted after it was answered.
        try (TallyServer own = TallyServer.start(Postgres.shared().createDatabase())) {
            assertThat(observed(own)).isZero();
            long sent = 0;
            for (List<String> way : List.of(List.<String>of(), List.of(ROUTED), List.<String>of())) {
                assertThat(send(own, plain(""), "observed", way).status()).isEqualTo(200);
                sent++;
                long expected = sent;
                Clients.await("counted", Clients.PATIENCE, () -> observed(own) >= expected);
                assertThat(observed(own)).isEqualTo(expected);
            }
        }
    }

    @Test
    void requestsThatAreSentTogetherAreAnsweredInTheirOrder() throws IOException {
        try (RawHttp connection = new RawHttp(server.uri())) {
            String direct = plain("").bytes("together", List.of());
            String routed = plain("").bytes("together", List.of(ROUTED));
            connection.send(direct + routed + direct + direct + routed);
            for (int value = 1; value <= 5; value++) {
                assertThat(connection.read().json().path("value").asLong()).isEqualTo(value);
            }
        }
    }

    @Test
    void bodiesThatArriveTogetherOrInPartsAreAnsweredInTheirOrder() throws IOException {
        List<Long> values = List.of(2L, 4L, 6L, 8L, 10L);
        for (int size : List.of(10_000, 7, 101)) {
            String name = "in-parts-" + size;
            String direct = json("{\"delta\":2}").bytes(name, List.of());
            String routed = json("{\"delta\":2}").bytes(name, List.of(ROUTED));
            String all = direct + direct + routed + direct + direct;
            try (RawHttp connection = new RawHttp(server.uri())) {
                for (int from = 0; from < all.length(); from += size) {
                    connection.send(all.substring(from, Math.min(from + size, all.length())));
                }
                for (long value : values) {
                    assertThat(connection.read().json().path("value").asLong()).isEqualTo(value);
                }
            }
        }
    }

    @Test
    void clientThatReadsLateGetsEveryResponseInItsOrder() throws Exception {
        int count = 100;
        try (RawHttp connection = new RawHttp(server.uri())) {
            connection.send(plain("").bytes("late", List.of()).repeat(count));
            Clients.await("all applied", Clients.PATIENCE, () -> client.value("direct/late") == count);
            for (int value = 1; value <= count; value++) {
                assertThat(connection.read().json().path("value").asLong()).isEqualTo(value);
            }
        }
    }

    /** Few responses fill small buffers. */
    static final class SmallBuffers implements WebServerFactoryCustomizer<NettyReactiveWebServerFactory> {

        static final int SIZE = 4096;

        @Override
        public void customize(NettyReactiveWebServerFactory factory) {
            factory.addServerCustomizers(server -> server.childOption(ChannelOption.SO_SNDBUF, SIZE));
        }
    }

    @Test
    void noIncrementBeginsWhileTheClientReadsNothing() throws Exception {
        Database own = Postgres.shared().createDatabase();
        try (TallyServer small = TallyServer.start(own, "spring.main.sources", SmallBuffers.class.getName());
                Socket socket = new Socket()) {
            socket.setReceiveBufferSize(SmallBuffers.SIZE);
            socket.connect(
                    new InetSocketAddress(small.uri().getHost(), small.uri().getPort()));
            byte[] request = plain("").bytes("unread", List.of()).getBytes(StandardCharsets.ISO_8859_1);
            int max = 5_000;
            int sent = 0;
            do {
                socket.getOutputStream().write(request);
                sent++;
            } while (sent < max && isApplied(own, sent));
            assertThat(sent).isLessThan(max);

            byte[] head = "HTTP/1.1 200 OK".getBytes(StandardCharsets.ISO_8859_1);
            InputStream in = new BufferedInputStream(socket.getInputStream());
            for (int response = 0; response < sent; response++) {
                assertThat(in.readNBytes(head.length)).isEqualTo(head);
                int read = in.read();
                while (read != '}') {
                    assertThat(read).isNotNegative();
                    read = in.read();
                }
            }
            assertThat(isApplied(own, sent)).isTrue();
        }
    }

    private static boolean isApplied(Database own, int increments) throws Exception {
        String sql = "select coalesce(max(value), 0) from counter";
        Instant end = Instant.now().plusSeconds(1);
        boolean applied = false;
        while (!applied && Instant.now().isBefore(end)) {
            applied = own.of("direct").queryLong(sql) == increments;
        }
        return applied;
    }

    /** In both orders of the two ways: what follows the last response of a connection is not applied. */
    @Test
    void requestsAfterTheLastOneAreNotApplied() throws IOException {
        String direct = plain("").bytes("after-last", List.of());
        String lastDirect = plain("", "Connection: close").bytes("after-last", List.of());
        String lastRouted = plain("", "Connection: close").bytes("after-last", List.of(ROUTED));
        String lastGet = "GET /v1/counters/direct/after-last HTTP/1.1\r\nHost: tally\r\nConnection: close\r\n\r\n";
        String lastUnknown = "GET /unheard-of HTTP/1.0\r\n\r\n";
        int applied = 0;
        for (String last : List.of(lastDirect, lastRouted, lastGet, lastUnknown)) {
            try (RawHttp connection = new RawHttp(server.uri())) {
                connection.send(direct + last + direct + direct);
                assertThat(connection.read().status()).isEqualTo(200);
                connection.read();
                assertThat(connection.readToEnd()).isEmpty();
            }
            applied += last.startsWith("POST") ? 2 : 1;
            assertThat(client.value("direct/after-last")).isEqualTo(applied);
        }
    }

    @Test
    void hostsThatTheDispatcherRefusesAreRefused() throws IOException {
        for (String host : List.of("a:b:c", "a:", "a:1:2")) {
            assertThat(RawHttp.exchange(
                                    server.uri(),
                                    plain("").bytes("refused", List.of()).replace("Host: tally", "Host: " + host))
                            .status())
                    .as(host)
                    .isEqualTo(400);
        }
        assertThat(client.get("/v1/counters/direct/refused").status()).isEqualTo(404);
    }

    private static Response send(Request request, String name, List<String> more) throws IOException {
        return send(server, request, name, more);
    }

    private static Response send(TallyServer asked, Request request, String name, List<String> more)
            throws IOException {
        return RawHttp.exchange(asked.uri(), request.bytes(name, more));
    }

    /** All but what names the request itself. */
    private static List<Object> told(Response response) {
        String own = response.header("X-Request-Id");
        Map<String, String> fields = new TreeMap<>();
        response.headers().forEach((name, value) -> fields.put(name.toLowerCase(Locale.ROOT), value.replace(own, "")));
        fields.computeIfPresent(
                "content-length",
                (name, value) -> Integer.toString(Integer.parseInt(response.header(name)) - own.length()));
        return List.of(response.status(), fields, response.body().replace(own, ""));
    }

    private static long observed(TallyServer asked) {
        return new TallyClient(asked.managementUri())
                .get("/actuator/prometheus")
                .body()
                .lines()
                .filter(line -> line.startsWith("http_server_requests_seconds_count{")
                        && line.contains("status=\"200\"")
                        && line.contains("outcome=\"SUCCESS\"")
                        && line.contains("uri=\"/v1/counters/{namespace}/{name}/increments\""))
                .map(line -> line.substring(line.lastIndexOf(' ') + 1))
                .mapToLong(count -> (long) Double.parseDouble(count))
                .reduce((first, second) -> {
                    throw new AssertionError("more than one series");
                })
                .orElse(0);
    }
}
