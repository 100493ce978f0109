package io.tally.console;

import static org.assertj.core.api.Assertions.assertThat;

import io.tally.http.SessionCookies;
import io.tally.testing.Database;
import io.tally.testing.Postgres;
import io.tally.testing.RawHttp;
import io.tally.testing.RawHttp.Response;
import io.tally.testing.TallyClient;
import io.tally.testing.TallyClient.Answer;
import io.tally.testing.TallyServer;
import java.io.IOException;
import java.util.List;
import java.util.Locale;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Signing in and out, and requests with the cookie: what they may do, and what forged ones may not. */
@Timeout(120)
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class SessionIT {

    private static final String ROOT = "root".repeat(8);
    private static final String SESSION = "/console/session";
    private static final String OF_CONSOLE = "Tally-Console: true\r\n";

    /** The dispatcher handles an increment with it; without it, the direct way does. */
    private static final String ROUTED = "If-None-Match: \"\"\r\n";

    private TallyServer server;

    /** Spring uses the header fields of proxies, and removes them. */
    private TallyServer forwarded;

    private TallyServer disabled;
    private TallyClient admin;
    private TallyClient console;
    private String writer = "";
    private String reader = "";

    @BeforeAll
    void start() throws Exception {
        Database database = Postgres.shared().createDatabase();
        server = start(database, "tally.console.enabled", "true");
        forwarded = start(database, "server.forward-headers-strategy", "framework");
        disabled = start(database, "tally.console.enabled", "false");
        admin = new TallyClient(server.uri(), "Authorization", "Bearer " + ROOT);
        console = new TallyClient(server.uri(), "Tally-Console", "true");
        writer = key("\"read\",\"write\"");
        reader = key("\"read\"");
    }

    private static TallyServer start(Database database, String setting, String value) {
        return TallyServer.start(database, "tally.access.mode", "keys", "tally.access.root-key", ROOT, setting, value);
    }

    @AfterAll
    void stop() {
        server.close();
        forwarded.close();
        disabled.close();
    }

    private String key(String actions) {
        Answer created = admin.send(
                "POST",
                "/v1/keys",
                "{\"name\":\"console\",\"grants\":[{\"namespaces\":[\"shop\"],\"actions\":[%s]}]}".formatted(actions));
        assertThat(created.status()).as(created.body()).isEqualTo(201);
        return created.json().path("key").asString();
    }

    private static String body(String key) {
        return "{\"key\":\"" + key + "\"}";
    }

    private static String cookie(String key) {
        return "Cookie: tally-session=" + SessionCookies.value(key) + "\r\n";
    }

    private static String bearer(String key) {
        return "Authorization: Bearer " + key + "\r\n";
    }

    private static Response send(TallyServer to, String line, String fields, String body) throws IOException {
        String content =
                body.isEmpty() ? "" : "Content-Type: application/json\r\nContent-Length: " + body.length() + "\r\n";
        return RawHttp.exchange(to.uri(), line + " HTTP/1.1\r\nHost: tally\r\n" + fields + content + "\r\n" + body);
    }

    private Response send(String line, String fields, String body) throws IOException {
        return send(server, line, fields, body);
    }

    private Response increment(String name, String fields) throws IOException {
        return send("POST /v1/counters/shop/" + name + "/increments", fields, "{\"delta\":1}");
    }

    private static String caller(Response response) {
        return response.json().path("caller").asString();
    }

    // ---- signing in and out

    @Test
    void signInAndOut() throws IOException {
        Answer in = console.send("POST", SESSION, body(writer));
        assertThat(in.status()).isEqualTo(204);
        assertThat(in.header("Cache-Control")).isEqualTo("no-store");
        assertThat(in.headers().allValues("Set-Cookie"))
                .containsExactly(
                        "tally-session=" + SessionCookies.value(writer) + "; Path=/; HttpOnly; SameSite=Strict");
        Response caller = send("GET /v1/caller", "Cookie: a=b; " + pair(in) + "; c=d\r\n", "");
        assertThat(caller(caller)).isEqualTo("key:console");

        Answer out = console.send("DELETE", SESSION, "");
        assertThat(out.status()).isEqualTo(204);
        assertThat(out.headers().allValues("Set-Cookie"))
                .containsExactly("tally-session=; Path=/; Max-Age=0; Expires=Thu, 01 Jan 1970 00:00:00 GMT; HttpOnly;"
                        + " SameSite=Strict");
    }

    private static String pair(Answer in) {
        return in.headers().allValues("Set-Cookie").getLast().split(";", 2)[0];
    }

    @Test
    void rootKeySignsIn() throws IOException {
        Answer in = console.send("POST", SESSION, body(" " + ROOT + "\\n"));
        assertThat(in.status()).isEqualTo(204);
        assertThat(caller(send("GET /v1/caller", "Cookie: " + pair(in) + "\r\n", "")))
                .isEqualTo("root");
    }

    @Test
    void refusedKeyDoesNotSignIn() {
        String other = "x".repeat(32);
        for (String key : List.of("no-key", other, writer.substring(1), writer + "x")) {
            Answer refused = console.send("POST", SESSION, body(key));
            assertThat(refused.status()).isEqualTo(401);
            assertThat(refused.problem()).isEqualTo("unauthenticated");
            assertThat(refused.headers().allValues("Set-Cookie")).isEmpty();
            assertThat(refused.body()).doesNotContain(key);
        }
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "",
                "[]",
                "{}",
                "{\"key\":1}",
                "{\"key\":null}",
                "{\"key\":\"\"}",
                "{\"key\":\"a b\"}",
                "{\"key\":\"a\\r\\nSet-Cookie: b\"}",
                "{\"key\":\"\u00e4\"}",
                "{\"key\":\"a\",\"name\":\"b\"}",
                "{\"key\":\"a\",\"key\":\"a\"}",
                "{\"key\":"
            })
    void otherBodiesAreMalformed(String body) {
        Answer refused = console.send("POST", SESSION, body);
        assertThat(refused.status()).as(refused.body()).isEqualTo(400);
        assertThat(refused.headers().allValues("Set-Cookie")).isEmpty();
    }

    @Test
    void keyThatNoCookieHoldsIsMalformed() {
        assertThat(console.send("POST", SESSION, body("x".repeat(3_001))).status())
                .isEqualTo(400);
        assertThat(console.send("POST", SESSION, body("x".repeat(3_000))).status())
                .isEqualTo(401);
        assertThat(console.send("POST", SESSION, body(writer), "Content-Type", "text/plain")
                        .status())
                .isEqualTo(415);
    }

    @Test
    void formOfAnotherPageSignsNobodyInOrOut() throws IOException {
        for (String field : List.of("", "Tally-Console: false\r\n", "Tally-Console: TRUE\r\n", "Tally-Console:\r\n")) {
            for (String method : List.of("POST", "DELETE")) {
                Response refused = send(method + " " + SESSION, field, body(writer));
                assertThat(refused.status()).as(field).isEqualTo(403);
                assertThat(refused.problem()).isEqualTo("origin-refused");
                assertThat(refused.headers()).doesNotContainKey("Set-Cookie");
            }
        }
    }

    @Test
    void onlyTwoMethods() {
        Answer refused = console.get(SESSION);
        assertThat(refused.status()).isEqualTo(405);
        assertThat(refused.header("Allow")).isEqualTo("POST,DELETE,OPTIONS");
    }

    // ---- the path and the encryption

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "/ops/tally | /ops/tally/",
                "/ops/tally/ | /ops/tally/",
                "/a.b_c~d-e | /a.b_c~d-e/",
                "/ops, /tally | /ops/tally/",
                "/ops,/ | /ops/"
            })
    void cookieHasThePrefixOfTheProxies(String prefix, String path) {
        for (TallyServer each : List.of(server, forwarded)) {
            Answer in = new TallyClient(each.uri(), "Tally-Console", "true", "X-Forwarded-Prefix", prefix)
                    .send("POST", SESSION, body(writer));
            assertThat(in.status()).as(in.body()).isEqualTo(204);
            assertThat(in.headers().allValues("Set-Cookie"))
                    .hasSize(2)
                    .first()
                    .asString()
                    .startsWith("tally-session=; Path=/; Max-Age=0;");
            assertThat(in.headers().allValues("Set-Cookie").getLast())
                    .isEqualTo("tally-session=" + SessionCookies.value(writer) + "; Path=" + path
                            + "; HttpOnly; SameSite=Strict");
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"/", "//"})
    void prefixOfSlashesIsNone(String prefix) {
        Answer out = console.send("DELETE", SESSION, "", "X-Forwarded-Prefix", prefix);
        assertThat(out.headers().allValues("Set-Cookie")).hasSize(1);
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "ops",
                "/ops; Domain=example.com",
                "/ops;Secure",
                "/ops\tx",
                "/ops x",
                "/ops%3bx",
                "/ops//tally",
                "//example.com",
                "/\u00e4",
                "/ops\"",
                "/ops\\x",
                "/?",
                "/#",
                "http://example.com/ops"
            })
    void otherPrefixIsMalformed(String prefix) throws IOException {
        for (String line : List.of("POST " + SESSION, "DELETE " + SESSION)) {
            Response refused = send(line, OF_CONSOLE + "X-Forwarded-Prefix: " + prefix + "\r\n", body(writer));
            assertThat(refused.status()).isEqualTo(400);
            assertThat(refused.headers()).doesNotContainKey("Set-Cookie");
        }
        Response refused =
                send(forwarded, "POST " + SESSION, OF_CONSOLE + "X-Forwarded-Prefix: " + prefix + "\r\n", body(writer));
        assertThat(refused.header("Set-Cookie")).doesNotContain("Domain").doesNotContain("Secure");
    }

    @Test
    void prefixIsBounded() {
        String longest = "/" + "x".repeat(255);
        assertThat(console.send("DELETE", SESSION, "", "X-Forwarded-Prefix", longest)
                        .status())
                .isEqualTo(204);
        assertThat(console.send("DELETE", SESSION, "", "X-Forwarded-Prefix", longest + "x")
                        .status())
                .isEqualTo(400);
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "X-Forwarded-Proto | https | true",
                "X-Forwarded-Proto | HTTPS | true",
                "X-Forwarded-Proto | https, http | true",
                "X-Forwarded-Proto | http | false",
                "X-Forwarded-Proto | http, https | false",
                "X-Forwarded-Proto | httpsx | false",
                "Forwarded | proto=https | true",
                "Forwarded | for=192.0.2.1;Proto=\"https\";by=a | true",
                "Forwarded | for=192.0.2.1;proto=https, proto=http | true",
                "Forwarded | proto=http, proto=https | false",
                "Forwarded | for=proto=https | false"
            })
    void cookieIsSecureWhereTheBrowserUsesHttps(String field, String value, boolean secure) {
        Answer in = console.send("POST", SESSION, body(writer), field, value);
        String attributes = "; Path=/" + (secure ? "; Secure" : "") + "; HttpOnly; SameSite=Strict";
        assertThat(in.headers().allValues("Set-Cookie"))
                .containsExactly("tally-session=" + SessionCookies.value(writer) + attributes);
    }

    // ---- requests with the cookie

    @Test
    void pageWritesWithItsField() throws IOException {
        for (String way : List.of("", ROUTED)) {
            Response applied = increment("written", cookie(writer) + OF_CONSOLE + way);
            assertThat(applied.status()).as(applied.body()).isEqualTo(200);
        }
        assertThat(admin.value("shop/written")).isEqualTo(2);
    }

    /** A form can send the first bodies; the last types need a preflight request. */
    @Test
    void otherPageDoesNotWrite() throws IOException {
        for (String fields : List.of(
                "",
                ROUTED,
                "Tally-Console: 1\r\n",
                "X-Requested-With: XMLHttpRequest\r\n",
                "Origin: http://evil.example\r\n",
                "Origin: null\r\n")) {
            Response refused = increment("forged", cookie(writer) + fields);
            assertThat(refused.status()).as(fields).isEqualTo(403);
            assertThat(refused.problem()).isEqualTo("origin-refused");
            assertThat(refused.json().path("detail").asString()).contains("Tally-Console: true");
            assertThat(refused.json().path("requestId").asString()).isNotEmpty();
        }
        for (String line : List.of(
                "POST /v1/increments",
                "POST /v1/transactions",
                "POST /v1/audits",
                "POST /v1/keys",
                "PUT /v1/counters/shop/forged",
                "PATCH /v1/counters/shop/forged",
                "DELETE /v1/counters/shop/forged",
                "OPTIONS /v1/counters/shop/forged")) {
            assertThat(send(line, cookie(ROOT), "").status()).as(line).isEqualTo(403);
        }
        assertThat(admin.get("/v1/counters/shop/forged").status()).isEqualTo(404);
    }

    @Test
    void pageOfAnotherOriginGetsNoPreflight() throws IOException {
        Response refused = send(
                "OPTIONS /v1/counters/shop/forged/increments",
                cookie(writer)
                        + "Origin: http://evil.example\r\nAccess-Control-Request-Method: POST\r\n"
                        + "Access-Control-Request-Headers: tally-console\r\n",
                "");
        assertThat(refused.status()).isEqualTo(403);
        assertThat(refused.headers().keySet())
                .noneMatch(name -> name.toLowerCase(Locale.ROOT).startsWith("access-control-"));
    }

    @Test
    void readsNeedNoField() throws IOException {
        admin.increment("shop/read", 1);
        assertThat(send("GET /v1/counters/shop/read", cookie(reader), "").status())
                .isEqualTo(200);
        try (RawHttp head = new RawHttp(server.uri())) {
            head.send("HEAD /v1/counters/shop/read HTTP/1.1\r\nHost: tally\r\n" + cookie(reader) + "\r\n");
            assertThat(head.readHead().status()).isEqualTo(200);
        }
        try (RawHttp stream = new RawHttp(server.uri())) {
            stream.send("GET /v1/counters/shop/read/events HTTP/1.1\r\nHost: tally\r\n" + cookie(reader) + "\r\n");
            assertThat(stream.readUntilEvent().body()).contains("\"value\":1");
        }
    }

    @Test
    void cookieMayDoWhatItsKeyMay() throws IOException {
        for (String way : List.of("", ROUTED)) {
            Response refused = increment("readers", cookie(reader) + OF_CONSOLE + way);
            assertThat(refused.status()).isEqualTo(403);
            assertThat(refused.problem()).isEqualTo("forbidden");
        }
        assertThat(send("GET /v1/counters/bank/a", cookie(reader), "").status()).isEqualTo(403);
        assertThat(send("GET /v1/keys", cookie(reader), "").status()).isEqualTo(403);
    }

    @Test
    void authorizationCountsAndNotTheCookie() throws IOException {
        assertThat(caller(send("GET /v1/caller", cookie(writer) + bearer(ROOT), "")))
                .isEqualTo("root");
        for (String way : List.of("", ROUTED)) {
            // The client has set Authorization itself, so that no page has made a browser send the request.
            assertThat(increment("both", cookie(reader) + bearer(writer) + way).status())
                    .isEqualTo(200);
            for (String authorization :
                    List.of(bearer("unknown"), "Authorization:\r\n", "Authorization: Basic YTpi\r\n")) {
                assertThat(increment("both", cookie(writer) + OF_CONSOLE + authorization + way)
                                .status())
                        .isEqualTo(401);
            }
        }
        assertThat(admin.value("shop/both")).isEqualTo(2);
    }

    @Test
    void severalCookiesAreRefused() throws IOException {
        String pair = "tally-session=" + SessionCookies.value(writer);
        for (String fields : List.of(
                "Cookie: " + pair + "; " + pair + "\r\n",
                "Cookie: " + pair + "\r\nCookie: " + pair + "\r\n",
                "Cookie: tally-session=; " + pair + "\r\n",
                "Cookie: tally-session=" + SessionCookies.value(ROOT) + ";" + pair + "\r\n")) {
            assertThat(send("GET /v1/caller", fields, "").status()).as(fields).isEqualTo(401);
            assertThat(increment("several", fields + OF_CONSOLE).status()).isEqualTo(401);
        }
        assertThat(admin.get("/v1/counters/shop/several").status()).isEqualTo(404);
    }

    @Test
    void otherValuesAreRefused() throws IOException {
        String value = SessionCookies.value(writer);
        for (String other : List.of(
                "",
                "=",
                "%",
                "\"" + value + "\"",
                writer,
                value.substring(1),
                value.substring(4),
                value + "AAAA",
                value + ",",
                value + "\u00e4",
                SessionCookies.value("Bearer " + writer),
                SessionCookies.value(writer + "\r\nX: y"),
                "x".repeat(4_000))) {
            for (String way : List.of("", ROUTED)) {
                Response refused = increment("others", "Cookie: tally-session=" + other + "\r\n" + OF_CONSOLE + way);
                assertThat(refused.status()).as(other).isEqualTo(401);
                assertThat(refused.problem()).isEqualTo("unauthenticated");
            }
        }
        for (String name : List.of("Tally-Session", "tally-sessions", "xtally-session", "tally-session ")) {
            assertThat(send("GET /v1/caller", "Cookie: " + name + "=" + value + "\r\n", "")
                            .status())
                    .as(name)
                    .isEqualTo(401);
        }
        assertThat(admin.get("/v1/counters/shop/others").status()).isEqualTo(404);
    }

    @Test
    void revokedKeyEndsTheSession() throws IOException {
        String key = key("\"read\"");
        assertThat(send("GET /v1/caller", cookie(key), "").status()).isEqualTo(200);
        String id = key.split("_", 3)[1];
        assertThat(admin.send("DELETE", "/v1/keys/" + id, "").status()).isEqualTo(204);
        assertThat(send("GET /v1/caller", cookie(key), "").status()).isEqualTo(401);
        assertThat(console.send("POST", SESSION, body(key)).status()).isEqualTo(401);
    }

    @Test
    void rateOfTheKeyLimitsItsSessions() {
        Answer created = admin.send(
                "POST",
                "/v1/keys",
                "{\"name\":\"slow\",\"perSecond\":1,"
                        + "\"grants\":[{\"namespaces\":[\"shop\"],\"actions\":[\"read\"]}]}");
        String body = body(created.json().path("key").asString());
        Answer answer = console.send("POST", SESSION, body);
        assertThat(answer.status()).isEqualTo(204);
        assertThat(answer.header("RateLimit-Policy")).isEqualTo("\"key\";q=1;w=1");
        // Two requests take less than a second, unless the machine pauses.
        while (answer.status() == 204) {
            answer = console.send("POST", SESSION, body);
        }
        assertThat(answer.status()).isEqualTo(429);
        assertThat(answer.header("Retry-After")).isEqualTo("1");
        assertThat(answer.headers().allValues("Set-Cookie")).isEmpty();
    }

    @Test
    void uploadOfLinesNeedsTheField() throws IOException {
        String line = "{\"namespace\":\"shop\",\"name\":\"lines\",\"delta\":1}\n";
        String content = "Content-Type: application/x-ndjson\r\nTransfer-Encoding: chunked\r\n\r\n"
                + Integer.toHexString(line.length()) + "\r\n" + line + "\r\n0\r\n\r\n";
        String head = "POST /v1/increments HTTP/1.1\r\nHost: tally\r\n" + cookie(writer);
        assertThat(RawHttp.exchange(server.uri(), head + content).status()).isEqualTo(403);
        Response applied = RawHttp.exchange(server.uri(), head + OF_CONSOLE + content);
        assertThat(applied.status()).isEqualTo(200);
        assertThat(applied.body()).contains("\"value\":1");
    }

    @Test
    void oldClientsHaveCookiesToo() throws IOException {
        String increment = "POST /v1/counters/shop/old/increments HTTP/1.0\r\n" + cookie(writer);
        assertThat(RawHttp.exchange(server.uri(), increment + "\r\n").status()).isEqualTo(403);
        assertThat(RawHttp.exchange(server.uri(), increment + OF_CONSOLE + "\r\n")
                        .status())
                .isEqualTo(200);
        Response in = RawHttp.exchange(
                server.uri(),
                "POST " + SESSION + " HTTP/1.0\r\n" + OF_CONSOLE
                        + "Content-Type: application/json\r\nContent-Length: "
                        + body(writer).length() + "\r\n\r\n"
                        + body(writer));
        assertThat(in.status()).isEqualTo(204);
        assertThat(in.header("Set-Cookie")).startsWith("tally-session=");
    }

    // ---- without sessions

    @Test
    void openModeHasNoSessions() throws IOException {
        TallyServer open = TallyServer.shared();
        for (String method : List.of("POST", "DELETE", "GET")) {
            assertThat(send(open, method + " " + SESSION, OF_CONSOLE, body(writer))
                            .status())
                    .isEqualTo(404);
        }
        for (String way : List.of("", ROUTED)) {
            for (String cookie : List.of(cookie(writer), "Cookie: tally-session=%\r\n")) {
                Response applied =
                        send(open, "POST /v1/counters/open-console/a/increments", cookie + way, "{\"delta\":1}");
                assertThat(applied.status()).isEqualTo(200);
            }
        }
        assertThat(caller(send(open, "GET /v1/caller", cookie(reader), ""))).isEqualTo("anonymous");
    }

    @Test
    void cookiesDoNotCountWithoutTheConsole() throws IOException {
        for (String path : List.of("/console", "/console/", "/console/index.html", SESSION)) {
            assertThat(send(disabled, "GET " + path, "", "").status()).as(path).isEqualTo(404);
        }
        assertThat(send(disabled, "POST " + SESSION, OF_CONSOLE, body(writer)).status())
                .isEqualTo(404);
        assertThat(send(disabled, "GET /v1/caller", cookie(writer), "").status())
                .isEqualTo(401);
        for (String way : List.of("", ROUTED)) {
            Response refused =
                    send(disabled, "POST /v1/counters/shop/off/increments", cookie(writer) + OF_CONSOLE + way, "");
            assertThat(refused.status()).isEqualTo(401);
        }
    }
}
