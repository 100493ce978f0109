package io.tally.http;

import static java.nio.charset.StandardCharsets.ISO_8859_1;
import static java.nio.charset.StandardCharsets.UTF_16;
import static java.nio.charset.StandardCharsets.UTF_16BE;
import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import io.tally.testing.Database;
import io.tally.testing.Postgres;
import io.tally.testing.RawHttp;
import io.tally.testing.RawHttp.Response;
import io.tally.testing.TallyClient;
import io.tally.testing.TallyClient.Answer;
import io.tally.testing.TallyServer;
import java.io.IOException;
import java.nio.charset.Charset;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** One table of requests that are refused: what is answered, and that nothing changes. */
@Timeout(60)
class MalformedRequestsIT {

    private static final String COUNTER = "/v1/counters/rows/kept";
    private static final String INCREMENTS = COUNTER + "/increments";
    private static final String ABSENT = "/v1/counters/rows/absent";
    private static final String COUNTER_METHODS = "GET,HEAD,PUT,PATCH,DELETE,OPTIONS";
    private static final String JSON = "Content-Type: application/json";
    private static final String ONE = "{\"delta\":1}";

    private static Database database;
    private static TallyServer server;
    private static TallyClient client;

    /**
     * A request and its answer. In texts each character is one byte.
     *
     * @param allow the methods that 405 must name, or nothing
     */
    record Row(
            String what,
            String method,
            String path,
            List<String> headers,
            String body,
            int status,
            String problem,
            String allow) {

        String bytes() {
            StringBuilder request = new StringBuilder(method + " " + path + " HTTP/1.1\r\nHost: tally\r\n");
            headers.forEach(header -> request.append(header).append("\r\n"));
            return request + "Content-Length: " + body.length() + "\r\n\r\n" + body;
        }

        @Override
        public String toString() {
            return what;
        }
    }

    @BeforeAll
    static void start() throws SQLException {
        database = Postgres.shared().createDatabase();
        server = TallyServer.start(database);
        client = new TallyClient(server.uri());
        assertThat(client.put("rows/kept", "{\"initial\":40,\"min\":0,\"max\":100}")
                        .status())
                .isEqualTo(201);
        assertThat(client.increment("rows/kept", 1).status()).isEqualTo(200);
        assertThat(everything()).contains("1 kept 41 2 0 100 2");
    }

    @AfterAll
    static void stop() {
        Answer audit = client.post("/v1/audits");
        server.close();
        assertThat(audit.json().path("drift").asLong(-1)).isZero();
        assertThat(audit.json().path("lostOperations").asLong(-1)).isZero();
    }

    static List<Row> rows() {
        List<Row> rows = new ArrayList<>();
        bodiesOfIncrements(rows);
        bodiesOfCreations(rows);
        bodiesOfPatches(rows);
        mediaTypes(rows);
        preconditions(rows);
        namespaces(rows);
        names(rows);
        routes(rows);
        methods(rows);
        assertThat(rows).hasSizeGreaterThan(80);
        return rows;
    }

    private static void bodiesOfIncrements(List<Row> rows) {
        increment(rows, "truncated after {", "{");
        increment(rows, "truncated after a name", "{\"delta\":");
        increment(rows, "truncated after a value", "{\"delta\":1");
        increment(rows, "trailing word", "{\"delta\":1} x");
        increment(rows, "trailing object", "{\"delta\":1}{\"delta\":1}");
        increment(rows, "trailing bracket", "{\"delta\":1}]");
        increment(rows, "trailing comma", "{\"delta\":1,}");
        increment(rows, "duplicate member", "{\"delta\":1,\"delta\":1}");
        increment(rows, "unknown member", "{\"dleta\":1}");
        increment(rows, "unknown member beside a known one", "{\"delta\":1,\"by\":\"me\"}");
        increment(rows, "member in capitals", "{\"Delta\":1}");
        increment(rows, "null instead of an object", "null");
        increment(rows, "null delta", "{\"delta\":null}");
        increment(rows, "string that is no integer", "{\"delta\":\"+1\"}");
        increment(rows, "empty string as a number", "{\"delta\":\"\"}");
        increment(rows, "boolean delta", "{\"delta\":true}");
        increment(rows, "object delta", "{\"delta\":{}}");
        increment(rows, "array delta", "{\"delta\":[1]}");
        increment(rows, "float without a fraction", "{\"delta\":1.0}");
        increment(rows, "fraction", "{\"delta\":1.5}");
        increment(rows, "negative zero with a fraction", "{\"delta\":-0.0}");
        increment(rows, "exponent", "{\"delta\":1e3}");
        increment(rows, "huge exponent", "{\"delta\":1e999999999}");
        increment(rows, "one more than 64 bits", "{\"delta\":9223372036854775808}");
        increment(rows, "one less than 64 bits", "{\"delta\":-9223372036854775809}");
        increment(rows, "number of hundreds of digits", "{\"delta\":" + "9".repeat(900) + "}");
        increment(rows, "number of thousands of digits", "{\"delta\":" + "9".repeat(5_000) + "}");
        increment(rows, "fraction of thousands of digits", "{\"delta\":1." + "0".repeat(5_000) + "}");
        increment(rows, "leading zero", "{\"delta\":01}");
        increment(rows, "leading plus", "{\"delta\":+1}");
        increment(rows, "leading point", "{\"delta\":.5}");
        increment(rows, "trailing point", "{\"delta\":5.}");
        increment(rows, "hexadecimal", "{\"delta\":0x1}");
        increment(rows, "NaN", "{\"delta\":NaN}");
        increment(rows, "infinity", "{\"delta\":Infinity}");
        increment(rows, "empty array", "[]");
        increment(rows, "array of increments", "[{\"delta\":1}]");
        increment(rows, "number instead of an object", "1");
        increment(rows, "string instead of an object", "\"1\"");
        increment(rows, "empty string instead of an object", "\"\"");
        increment(rows, "boolean instead of an object", "true");
        increment(rows, "white space only", " \r\n ");
        increment(rows, "comment", "{\"delta\":1/* one */}");
        increment(rows, "line comment", "// one\n{\"delta\":1}");
        increment(rows, "single quotes", "{'delta':1}");
        increment(rows, "no quotes", "{delta:1}");
        increment(rows, "NUL alone", "\0");
        increment(rows, "NUL within", "{\"delta\":\0001}");
        increment(rows, "NUL after", "{\"delta\":1}\0");
        increment(rows, "byte order mark within", bytes("{\uFEFF\"delta\":1}", UTF_8));
        increment(rows, "two byte order marks", bytes("\uFEFF\uFEFF{\"delta\":1}", UTF_8));
        increment(rows, "byte order mark alone", bytes("\uFEFF", UTF_8));
        increment(rows, "half a byte order mark", "\u00EF\u00BB{\"delta\":1}");
        increment(rows, "UTF-16 with a byte order mark", bytes(ONE, UTF_16));
        increment(rows, "UTF-16 without", bytes(ONE, UTF_16BE));
        increment(rows, "invalid UTF-8", "{\"delta\":1,\"\u00FF\":1}");
        increment(rows, "overlong UTF-8", "{\"delta\":1,\"\u00C0\u0080\":1}");
        increment(rows, "lone surrogate", "{\"delta\":1,\"\\uD800\":1}");
        increment(rows, "deep object", "{\"delta\":" + "{\"a\":".repeat(5_000) + "1" + "}".repeat(5_000) + "}");
        increment(rows, "deep array that never ends", "[".repeat(30_000));
        increment(rows, "endless name", "{\"" + "a".repeat(60_000) + "\":1}");
        refused(rows, "body above 64 KB", 413, "content-too-large", "POST", INCREMENTS, padded(64 * 1024 + 1), JSON);
    }

    private static void bodiesOfCreations(List<Row> rows) {
        create(rows, "initial null", "{\"initial\":null}");
        create(rows, "initial a string that is no integer", "{\"initial\":\"01\"}");
        create(rows, "initial a fraction", "{\"initial\":0.5}");
        create(rows, "initial above 64 bits", "{\"initial\":9223372036854775808}");
        create(rows, "initial below min", "{\"initial\":-1,\"min\":0}");
        create(rows, "no initial, and zero below min", "{\"min\":1}");
        create(rows, "initial above max", "{\"initial\":11,\"max\":10}");
        create(rows, "min above max", "{\"min\":2,\"max\":1}");
        create(rows, "min a float", "{\"min\":0.0}");
        create(rows, "max a boolean", "{\"max\":true}");
        create(rows, "kind", "{\"kind\":\"plain\"}");
        create(rows, "value", "{\"value\":1}");
        create(rows, "creation with null", "null");
        create(rows, "creation with an array", "[]");
        create(rows, "creation truncated", "{\"initial\":1");
        refused(rows, "creation above 64 KB", 413, "content-too-large", "PUT", ABSENT, padded(70_000), JSON);
    }

    private static void bodiesOfPatches(List<Row> rows) {
        patch(rows, "patch without a body", "");
        patch(rows, "patch with null", "null");
        patch(rows, "patch with an array", "[{\"op\":\"replace\",\"path\":\"/value\",\"value\":1}]");
        patch(rows, "patch with a number", "5");
        patch(rows, "patch of value to null", "{\"value\":null}");
        patch(rows, "patch of value to a string that is no integer", "{\"value\":\"5.0\"}");
        patch(rows, "patch of value to a fraction", "{\"value\":5.5}");
        patch(rows, "patch of value to a float", "{\"value\":5.0}");
        patch(rows, "patch of value above 64 bits", "{\"value\":9223372036854775808}");
        patch(rows, "patch of min to a string", "{\"min\":\"\"}");
        patch(rows, "patch of min below 64 bits", "{\"min\":-9223372036854775809}");
        patch(rows, "patch of max to an object", "{\"max\":{}}");
        patch(rows, "patch of version", "{\"version\":9}");
        patch(rows, "patch of value twice", "{\"value\":1,\"value\":2}");
        patch(rows, "patch truncated", "{\"value\":1");
        refused(
                rows,
                "patch above 64 KB",
                413,
                "content-too-large",
                "PATCH",
                COUNTER,
                padded(70_000),
                JSON,
                "If-Match: *");
        refused(
                rows,
                "patch of min above max",
                409,
                "bounds-inverted",
                "PATCH",
                COUNTER,
                "{\"min\":101}",
                JSON,
                "If-Match: *");
        refused(
                rows,
                "patch of value out of bounds",
                409,
                "bound-exceeded",
                "PATCH",
                COUNTER,
                "{\"value\":101}",
                JSON,
                "If-Match: *");
    }

    private static void mediaTypes(List<Row> rows) {
        for (String type : List.of(
                "text/plain",
                "text/json",
                "application/octet-stream",
                "application/x-www-form-urlencoded",
                "application/xml",
                "application/cbor",
                "multipart/form-data; boundary=x",
                "garbage",
                "/",
                ";",
                "application/json; charset=unheard-of",
                "application/json; charset=\"",
                "application/json, text/plain",
                "application/*",
                "*/*",
                "application/merge-patch+json",
                "application/vnd.tally+json",
                "application/json\u00FF")) {
            refused(
                    rows,
                    "Content-Type: " + type,
                    415,
                    "unsupported-media-type",
                    "POST",
                    INCREMENTS,
                    ONE,
                    "Content-Type: " + type);
        }
        refused(rows, "no Content-Type", 415, "unsupported-media-type", "POST", INCREMENTS, ONE);
        refused(rows, "empty Content-Type", 415, "unsupported-media-type", "POST", INCREMENTS, ONE, "Content-Type:");
        refused(
                rows,
                "Content-Type of a creation",
                415,
                "unsupported-media-type",
                "PUT",
                ABSENT,
                "{}",
                "Content-Type: text/plain");
        refused(
                rows,
                "Content-Type of a patch",
                415,
                "unsupported-media-type",
                "PATCH",
                COUNTER,
                "{}",
                "Content-Type: application/json-patch",
                "If-Match: *");
        for (String accept : List.of(
                "text/html",
                "text/*",
                "application/xml, text/html;q=0.5",
                "application/problem+json",
                "application/json;q=0",
                "*/*;q=0",
                "application/json;q=7",
                "garbage",
                ";;;")) {
            refused(
                    rows,
                    "increment, Accept: " + accept,
                    406,
                    "not-acceptable",
                    "POST",
                    INCREMENTS,
                    ONE,
                    JSON,
                    "Accept: " + accept);
        }
        refused(rows, "read, Accept: text/html", 406, "not-acceptable", "GET", COUNTER, "", "Accept: text/html");
        refused(rows, "read, Accept: garbage", 406, "not-acceptable", "GET", COUNTER, "", "Accept: garbage");
        refused(rows, "delete, Accept: garbage", 406, "not-acceptable", "DELETE", COUNTER, "", "Accept: garbage");
        for (String accept : List.of("garbage", ",", "text/html,", ";", "application/json;charset=utf-16")) {
            refused(rows, "probe, Accept: " + accept, 406, "not-acceptable", "GET", "/livez", "", "Accept: " + accept);
        }
    }

    private static void preconditions(List<Row> rows) {
        for (String tag : List.of("2", "", "\"", "\"2", "2\"", "'2'", "W/2", "W/\"2", ",", "two", "\u00FF")) {
            refused(
                    rows,
                    "If-Match: " + tag,
                    400,
                    "malformed",
                    "PATCH",
                    COUNTER,
                    "{\"value\":1}",
                    JSON,
                    "If-Match: " + tag);
        }
        refused(rows, "increment, If-Match: 2", 400, "malformed", "POST", INCREMENTS, ONE, JSON, "If-Match: 2");
        refused(rows, "delete, If-Match: 2", 400, "malformed", "DELETE", COUNTER, "", "If-Match: 2");
        refused(rows, "create, If-Match: 2", 400, "malformed", "PUT", ABSENT, "", "If-Match: 2");
        refused(rows, "read, If-None-Match: 2", 400, "malformed", "GET", COUNTER, "", "If-None-Match: 2");
        refused(rows, "create, If-None-Match: tag", 400, "malformed", "PUT", ABSENT, "", "If-None-Match: \"2\"");
        refused(rows, "create, If-None-Match: *,*", 400, "malformed", "PUT", ABSENT, "", "If-None-Match: *,*");
        refused(rows, "patch without If-Match", 428, "precondition-required", "PATCH", COUNTER, "{\"value\":1}", JSON);
        refused(rows, "patch without If-Match and body", 428, "precondition-required", "PATCH", COUNTER, "");
    }

    private static void namespaces(List<Row> rows) {
        for (String namespace : List.of(
                ".a",
                "-a",
                "_a",
                "a~",
                "a+b",
                "a;b",
                ":b",
                "a:",
                "a:b:c",
                "a:-b",
                "a%3A%3Ab",
                "a%20b",
                "a%2Fb",
                "a%00",
                "%C3%BC",
                "%FF",
                "..",
                "%2E%2E",
                "*",
                "a".repeat(65))) {
            refused(
                    rows,
                    "namespace " + namespace,
                    400,
                    "malformed",
                    "POST",
                    "/v1/counters/" + namespace + "/a/increments",
                    ONE,
                    JSON);
        }
        refused(rows, "read in namespace .a", 400, "malformed", "GET", "/v1/counters/.a/a", "");
        refused(rows, "creation in namespace .a", 400, "malformed", "PUT", "/v1/counters/.a/a", "");
        refused(rows, "deletion in namespace .a", 400, "malformed", "DELETE", "/v1/counters/.a/a", "");
        refused(rows, "patch in namespace .a", 400, "malformed", "PATCH", "/v1/counters/.a/a", "{}", JSON);
    }

    private static void names(List<Row> rows) {
        for (String name : List.of(
                "%00",
                "a%00b",
                "%0A",
                "%1F",
                "%7F",
                "%C2%85",
                "%FF",
                "%C3",
                "%E2%82",
                "%80",
                "%C0%80",
                "%C0%AF",
                "%E0%80%AF",
                "%F0%80%80%AF",
                "%ED%A0%80",
                "%ED%A0%BD%ED%B8%80",
                "%F5%80%80%80",
                "%zz",
                "%2",
                "%",
                "a%",
                "%%",
                "%+1",
                "%u00FC",
                "\u00C3\u00BC",
                "\u00FF",
                "a\u0001b",
                "a b",
                "a\\b",
                "a\"b",
                "a|b",
                "{a}",
                "[",
                "a".repeat(257),
                "%C3%BC".repeat(128) + "a",
                "%F0%9F%98%80".repeat(65))) {
            refused(
                    rows,
                    "name " + name,
                    400,
                    "malformed",
                    "POST",
                    "/v1/counters/rows/" + name + "/increments",
                    ONE,
                    JSON);
        }
        refused(rows, "read of %00", 400, "malformed", "GET", "/v1/counters/rows/%00", "");
        refused(rows, "creation of %00", 400, "malformed", "PUT", "/v1/counters/rows/%00", "");
        refused(rows, "deletion of %00", 400, "malformed", "DELETE", "/v1/counters/rows/%00", "");
        refused(rows, "%zz in a query", 400, "malformed", "GET", COUNTER + "?a=%zz", "");
    }

    private static void routes(List<Row> rows) {
        for (String path : List.of(
                "/",
                "/v1",
                "/v2/counters/rows/kept",
                "/V1/counters/rows/kept",
                "/v1/counters",
                "/v1/counters/",
                "/v1/counters/rows/",
                "/v1/counters//kept",
                "/v1//counters/rows/kept",
                "//v1/counters/rows/kept",
                COUNTER + "/",
                COUNTER + "/unheard-of",
                INCREMENTS + "/",
                INCREMENTS + "/1",
                COUNTER + "//increments",
                "/v1/counters/rows//increments",
                "/v1/counters/rows/;/increments",
                "/v1/audits/",
                "/v1/audit",
                "/problems",
                "/problems/",
                "/actuator",
                "/actuator/health",
                "/favicon.ico",
                "/..")) {
            refused(rows, "POST " + path, 404, "not-found", "POST", path, ONE, JSON);
            refused(rows, "GET " + path, 404, "not-found", "GET", path, "");
        }
        refused(rows, "unknown problem", 404, "not-found", "GET", "/problems/unheard-of", "");
        refused(rows, "problem in capitals", 404, "not-found", "GET", "/problems/MALFORMED", "");
        refused(rows, "OPTIONS of an unknown route", 404, "not-found", "OPTIONS", "/v1/unheard-of", "");
        refused(rows, "absent counter", 404, "not-found", "GET", ABSENT, "");
        refused(rows, "deletion of an absent counter", 404, "not-found", "DELETE", ABSENT, "");
        refused(rows, "patch of an absent counter", 404, "not-found", "PATCH", ABSENT, "{}", JSON, "If-Match: *");
    }

    private static void methods(List<Row> rows) {
        notAllowed(rows, COUNTER, COUNTER_METHODS, "POST", "TRACE", "CONNECT", "FOO", "get");
        notAllowed(rows, INCREMENTS, "POST,OPTIONS", "GET", "PUT", "PATCH", "DELETE", "TRACE", "CONNECT", "FOO");
        notAllowed(rows, "/v1/audits", "POST,OPTIONS", "GET", "PUT", "PATCH", "DELETE", "TRACE", "FOO");
        notAllowed(rows, "/problems/malformed", "GET,HEAD,OPTIONS", "POST", "PUT", "PATCH", "DELETE", "FOO");
        notAllowed(rows, "/livez", "GET", "POST", "PUT", "DELETE", "FOO");
        notAllowed(rows, "/readyz", "GET", "POST", "PUT", "DELETE", "FOO");
        refused(rows, "CONNECT to an authority", 404, "not-found", "CONNECT", "tally:80", "");
        refused(rows, "method that is no token", 400, "malformed", "G@T", COUNTER, "");
    }

    private static void increment(List<Row> rows, String what, String body) {
        refused(rows, what, 400, "malformed", "POST", INCREMENTS, body, JSON);
    }

    private static void create(List<Row> rows, String what, String body) {
        refused(rows, what, 400, "malformed", "PUT", ABSENT, body, JSON);
    }

    private static void patch(List<Row> rows, String what, String body) {
        refused(rows, what, 400, "malformed", "PATCH", COUNTER, body, JSON, "If-Match: *");
    }

    private static void notAllowed(List<Row> rows, String path, String allow, String... methods) {
        for (String method : methods) {
            rows.add(new Row(method + " " + path, method, path, List.of(), "", 405, "method-not-allowed", allow));
        }
    }

    private static void refused(
            List<Row> rows,
            String what,
            int status,
            String problem,
            String method,
            String path,
            String body,
            String... headers) {
        rows.add(new Row(what, method, path, List.of(headers), body, status, problem, ""));
    }

    private static String bytes(String text, Charset charset) {
        return new String(text.getBytes(charset), ISO_8859_1);
    }

    /** A body of so many bytes that would be right but for its length. */
    private static String padded(int length) {
        return " ".repeat(length - 2) + "{}";
    }

    @ParameterizedTest
    @MethodSource("rows")
    void requestIsRefusedAndNothingChanges(Row row) throws IOException, SQLException {
        String before = everything();

        Response answer = RawHttp.exchange(server.uri(), row.bytes());

        assertThat(answer.status()).as(answer.body()).isEqualTo(row.status());
        assertThat(answer.header("Content-Type")).isEqualTo("application/problem+json");
        assertThat(answer.json().path("type").asString()).isEqualTo("/problems/" + row.problem());
        assertThat(answer.json().path("status").asInt()).isEqualTo(row.status());
        assertThat(answer.json().path("title").asString()).isNotBlank();
        assertThat(answer.json().path("detail").asString()).isNotBlank().doesNotContain("Exception", "jackson");
        assertThat(answer.json().path("requestId").asString()).isNotBlank().isEqualTo(answer.header("X-Request-Id"));
        assertThat(methods(answer.header("Allow"))).isEqualTo(methods(row.allow()));
        assertThat(everything()).isEqualTo(before);
    }

    /** A list of methods is in no order. */
    private static List<String> methods(String list) {
        return Arrays.stream(list.split(",", -1)).map(String::strip).sorted().toList();
    }

    /** Of each shard: how many counters there are, the only one, and how many operations were ever applied. */
    private static String everything() throws SQLException {
        List<String> all = new ArrayList<>();
        for (Database shard : database.shards()) {
            all.add(shard.queryString("select concat_ws(' ', count(*), max(name), max(value), max(version), max(min),"
                    + " max(max), (select sum(operations) from writer)) from counter"));
        }
        return String.join(", ", all);
    }
}
