package io.tally.http;

import static org.assertj.core.api.Assertions.assertThat;

import io.tally.testing.Clients;
import io.tally.testing.Postgres;
import io.tally.testing.TallyClient;
import io.tally.testing.TallyClient.Answer;
import io.tally.testing.TallyServer;
import java.util.ArrayList;
import java.util.List;
import java.util.UUID;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/** A string of digits in a request is the same as that number, at each place that has a 64-bit number. */
@Timeout(120)
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class Int64RequestsIT {

    private static final JsonMapper JSON = new JsonMapper();
    private static final String JSON_TYPE = "application/json";
    private static final String LINES = "application/x-ndjson";

    private static final String INCREMENTS = "/v1/counters/int64/NAME/increments";
    private static final String COUNTER = "/v1/counters/int64/NAME";
    private static final String ITEM = "{\"namespace\":\"int64\",\"name\":\"NAME\",\"delta\":VALUE}";

    private static final String DEFAULT_ITEM =
            "{\"namespace\":\"int64\",\"name\":\"NAME\",\"delta\":0,\"defaults\":{\"initial\":VALUE}}";

    /** A bound, and the initial value that every bound at this end admits. */
    private static final String DEFAULTS = "{\"delta\":0,\"defaults\":{\"%s\":VALUE,\"initial\":%d}}";

    private TallyServer server;
    private TallyClient client;

    /**
     * A place of a 64-bit number in a request.
     *
     * @param path {@code NAME} stands for a counter of one request alone
     * @param body {@code VALUE} stands for the number
     * @param keyed whether the request takes an idempotency key
     */
    record Place(
            String what, String method, String path, String type, String body, boolean keyed, List<String> headers) {

        @Override
        public String toString() {
            return what;
        }
    }

    private static Place place(
            String what, String method, String path, String type, String body, boolean keyed, String... headers) {
        return new Place(what, method, path, type, body, keyed, List.of(headers));
    }

    static Stream<Place> places() {
        String delta = "{\"delta\":VALUE}";
        String[] atAnyVersion = {"If-Match", "*"};
        return Stream.of(
                place("increment", "POST", INCREMENTS, JSON_TYPE, delta, true),
                place(
                        "routed increment",
                        "POST",
                        INCREMENTS,
                        JSON_TYPE,
                        delta,
                        true,
                        "Accept",
                        "application/json, */*"),
                place("new value", "PUT", COUNTER, JSON_TYPE, "{\"initial\":VALUE}", false),
                place(
                        "new min",
                        "PUT",
                        COUNTER,
                        JSON_TYPE,
                        "{\"initial\":" + Long.MAX_VALUE + ",\"min\":VALUE}",
                        false),
                place(
                        "new max",
                        "PUT",
                        COUNTER,
                        JSON_TYPE,
                        "{\"initial\":" + Long.MIN_VALUE + ",\"max\":VALUE}",
                        false),
                place(
                        "initial default",
                        "POST",
                        INCREMENTS,
                        JSON_TYPE,
                        "{\"defaults\":{\"initial\":VALUE},\"atMost\":true}",
                        true),
                place("min default", "POST", INCREMENTS, JSON_TYPE, DEFAULTS.formatted("min", Long.MAX_VALUE), true),
                place("max default", "POST", INCREMENTS, JSON_TYPE, DEFAULTS.formatted("max", Long.MIN_VALUE), true),
                place(
                        "routed initial default",
                        "POST",
                        INCREMENTS,
                        JSON_TYPE,
                        "{\"defaults\":{\"initial\":VALUE},\"delta\":0}",
                        true,
                        "Accept",
                        "application/json, */*"),
                place("delta of a dry run", "POST", INCREMENTS, JSON_TYPE, "{\"delta\":VALUE,\"dryRun\":true}", false),
                place(
                        "initial default of an item",
                        "POST",
                        "/v1/increments",
                        JSON_TYPE,
                        "[" + DEFAULT_ITEM + "]",
                        true),
                place("initial default of a line", "POST", "/v1/increments", LINES, DEFAULT_ITEM + "\n", true),
                place(
                        "initial default in a transaction",
                        "POST",
                        "/v1/transactions",
                        JSON_TYPE,
                        "{\"increments\":[" + DEFAULT_ITEM + "]}",
                        true),
                place("value", "PATCH", COUNTER, JSON_TYPE, "{\"value\":VALUE}", true, atAnyVersion),
                place("initial", "PATCH", COUNTER, JSON_TYPE, "{\"initial\":VALUE}", true, atAnyVersion),
                place("min", "PATCH", COUNTER, JSON_TYPE, "{\"min\":VALUE}", true, atAnyVersion),
                place("max", "PATCH", COUNTER, JSON_TYPE, "{\"max\":VALUE}", true, atAnyVersion),
                place("item of an array", "POST", "/v1/increments", JSON_TYPE, "[" + ITEM + "]", true),
                place("line", "POST", "/v1/increments", LINES, ITEM + "\n", true),
                place("line for a summary", "POST", "/v1/increments", LINES, ITEM, true, "Prefer", "return=minimal"),
                place("transaction", "POST", "/v1/transactions", JSON_TYPE, "{\"increments\":[" + ITEM + "]}", true),
                place("time of a token", "POST", "/v1/tokens/int64", JSON_TYPE, "{\"ttlSeconds\":VALUE}", true));
    }

    private static final List<String> NUMBERS = List.of(
            "0",
            "-0",
            "1",
            "-1",
            "10",
            "9007199254740993",
            "-9007199254740993",
            "" + Long.MAX_VALUE,
            "" + Long.MIN_VALUE);

    private static final List<String> OTHERS = List.of(
            "",
            "-",
            "+1",
            "--1",
            "01",
            "-01",
            "00",
            " 1",
            "1 ",
            "1\\n",
            "\\u00001",
            "1.0",
            "1.",
            "1e3",
            "1E3",
            "0x1",
            "1_000",
            "1,000",
            "1L",
            "one",
            "true",
            "null",
            "NaN",
            "\u0661",
            "\uff11",
            "\u22121",
            "9223372036854775808",
            "-9223372036854775809",
            "18446744073709551616",
            "1".repeat(20),
            "1".repeat(400));

    static Stream<Arguments> numbers() {
        return places().flatMap(place -> NUMBERS.stream().map(number -> Arguments.of(place, number)));
    }

    static Stream<Arguments> others() {
        return places().flatMap(place -> OTHERS.stream().map(text -> Arguments.of(place, text)));
    }

    static Stream<Place> keyed() {
        return places().filter(Place::keyed);
    }

    @BeforeAll
    void start() throws Exception {
        server = TallyServer.start(Postgres.shared().createDatabase(), "tally.lab.enabled", "true");
        client = new TallyClient(server.uri());
    }

    @AfterAll
    void stop() {
        client.requireBalancedBooks();
        server.close();
    }

    @ParameterizedTest
    @MethodSource("numbers")
    void stringOfDigitsIsTheNumber(Place place, String number) {
        assertThat(told(place, quoted(number))).isEqualTo(told(place, number));
    }

    @ParameterizedTest
    @MethodSource("others")
    void otherStringIsRefusedLikeAnotherNumber(Place place, String text) {
        List<Object> refused = told(place, quoted(text));
        assertThat(refused).isEqualTo(told(place, "1.5"));
        assertThat(refused.toString()).contains("must be a 64-bit integer.");
    }

    @ParameterizedTest
    @MethodSource("keyed")
    void keyKnowsTheNumberInBothForms(Place place) {
        // The counters of patches have the value 0.
        String number = place.what().equals("min") ? "-5" : "5";
        for (List<String> forms : List.of(List.of(number, quoted(number)), List.of(quoted(number), number))) {
            String name = name(place);
            String key = UUID.randomUUID().toString();
            Answer first = send(place, name, forms.getFirst(), key);
            Answer second = send(place, name, forms.getLast(), key);
            assertThat(first.status()).as(first.body()).isBetween(200, 299);
            assertThat(first.body()).doesNotContain("problem\":");
            assertThat(second.header("Idempotency-Replayed") + second.body()).contains("true");
            assertThat(withoutReplay(second)).isEqualTo(withoutReplay(first));

            Answer other = send(place, name, quoted(number + "0"), key);
            assertThat(other.body()).contains("/problems/idempotency-key-reused");
        }
    }

    /** The key of an item, and not of the request. */
    @ParameterizedTest
    @MethodSource("items")
    void keyOfAnItemKnowsTheNumberInBothForms(String type, String before, String after) {
        String name = UUID.randomUUID().toString();
        String item = ITEM.replace("NAME", name).replace("}", ",\"key\":\"" + name + "\"}");
        String body = before + item.replace("VALUE", "7") + after;
        client.send("POST", "/v1/increments", body, "Content-Type", type);
        Answer again = client.send(
                "POST", "/v1/increments", before + item.replace("VALUE", "\"7\"") + after, "Content-Type", type);
        assertThat(again.body()).contains("\"value\":7", "\"replayed\":true");
        assertThat(client.value("int64/" + name)).isEqualTo(7);
    }

    static Stream<Arguments> items() {
        return Stream.of(Arguments.of(JSON_TYPE, "[", "]"), Arguments.of(LINES, "", "\n"));
    }

    @ParameterizedTest
    @MethodSource("labNumbers")
    void labTakesBothForms(String first, String second) throws InterruptedException {
        String key = UUID.randomUUID().toString();
        Clients.await(
                "the end of the run",
                Clients.PATIENCE,
                () -> !client.get("/v1/lab/runs").body().contains("\"running\""));
        assertThat(lab(first, key).status()).isEqualTo(202);
        Answer replay = lab(second, key);
        assertThat(replay.header("Idempotency-Replayed")).isEqualTo("true");
        assertThat(lab("\"21\"", key).status()).isEqualTo(422);
    }

    static Stream<Arguments> labNumbers() {
        return Stream.of(Arguments.of("20", "\"20\""), Arguments.of("\"20\"", "20"));
    }

    private Answer lab(String increments, String key) {
        return client.send(
                "POST",
                "/v1/lab/runs",
                "{\"strategy\":\"atomic\",\"workers\":1,\"increments\":" + increments + "}",
                "Idempotency-Key",
                key);
    }

    /** Numbers of 32 bits, which every client represents. */
    @ParameterizedTest
    @MethodSource("smallNumbers")
    void smallNumbersMustBeNumbers(String path, String body) {
        Answer refused = client.send("POST", path, body);
        assertThat(refused.status()).as(refused.body()).isEqualTo(400);
    }

    static Stream<Arguments> smallNumbers() {
        return Stream.of(
                Arguments.of("/v1/tokens/int64", "{\"size\":\"9\"}"),
                Arguments.of("/v1/lab/runs", "{\"strategy\":\"atomic\",\"workers\":\"1\"}"),
                Arguments.of("/v1/lab/runs", "{\"strategy\":\"atomic\",\"counters\":\"1\"}"));
    }

    // ---- sending

    private static String quoted(String text) {
        return "\"" + text + "\"";
    }

    /** A name that no other request has, whose counter exists where the place needs one. */
    private String name(Place place) {
        String name = UUID.randomUUID().toString();
        if (place.method().equals("PATCH")) {
            client.put("int64/" + name, "");
        }
        return name;
    }

    private Answer send(Place place, String name, String value, String key) {
        List<String> headers = new ArrayList<>(place.headers());
        headers.addAll(List.of("Content-Type", place.type()));
        if (!key.isEmpty()) {
            headers.addAll(List.of("Idempotency-Key", key));
        }
        return client.send(
                place.method(),
                place.path().replace("NAME", name),
                place.body().replace("NAME", name).replace("VALUE", value),
                headers.toArray(String[]::new));
    }

    /** What a client gets, without what differs from one request to the next. */
    private List<Object> told(Place place, String value) {
        String name = name(place);
        Answer answer = send(place, name, value, "");
        List<JsonNode> bodies = answer.body()
                .lines()
                .map(line -> JSON.readTree(line.replace(name, "NAME")))
                .map(Int64RequestsIT::withoutChance)
                .toList();
        return List.of(answer.status(), answer.header("ETag"), bodies);
    }

    private static JsonNode withoutChance(JsonNode body) {
        return body.isObject()
                ? body.asObject().remove(List.of("createdAt", "updatedAt", "requestId", "token", "expiresAt"))
                : body;
    }

    private static String withoutReplay(Answer answer) {
        return answer.body()
                .replace(",\"replayed\":true", "")
                .replace("\"applied\":0,\"replayed\":1", "\"applied\":1,\"replayed\":0");
    }
}
