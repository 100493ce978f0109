package io.tally;

import static org.assertj.core.api.Assertions.assertThat;

import io.tally.http.Cursor;
import io.tally.http.RequestPath;
import io.tally.testing.Clients;
import io.tally.testing.Database;
import io.tally.testing.EventStream;
import io.tally.testing.Postgres;
import io.tally.testing.TallyClient;
import io.tally.testing.TallyClient.Answer;
import io.tally.testing.TallyServer;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/**
 * A text that the database refuses to store fails alone, and no request beside it. The start refuses the database that
 * shows this: its encoding lacks most characters. So the service starts here without the proof.
 */
@Tag("one-shard") // Starts unproven, on the one schema of the migration.
@Timeout(180)
class EncodingIT {

    private static final JsonMapper JSON = new JsonMapper();

    /** Not in Latin 1, as the names of all cases here that are not there. */
    private static final String OMEGA = "\u03A9";

    private static final String ENCODED = "%CE%A9";

    /** Not in Latin 1, but its lower case is. */
    private static final String Y_WITH_DIAERESIS = "\u0178";

    private static final AtomicInteger NAMES = new AtomicInteger();

    private static Database database;
    private static TallyServer server;
    private static TallyClient client;

    @BeforeAll
    static void start() throws SQLException {
        database = Postgres.shared().createDatabaseEncoded("LATIN1");
        server = TallyServer.startUnproven(database);
        client = new TallyClient(server.uri());
        assertThat(client.increment("latin/caf%C3%A9", 1).status()).isEqualTo(200);
        assertThat(client.send("PUT", "/v1/counters/latin/liked/members/ren%C3%A9", "")
                        .status())
                .isEqualTo(201);
        assertThat(client.send("POST", "/v1/names/latin", "[\"caf\u00E9\"]").status())
                .isEqualTo(200);
    }

    @AfterAll
    static void stop() {
        client.requireBalancedBooks();
        server.close();
    }

    /** A request about something that the database cannot hold, and how it is answered. */
    record Case(int status, String problem, String method, String path, String body, List<String> headers) {

        Answer send() {
            return client.send(method, path, body, headers.toArray(String[]::new));
        }

        @Override
        public String toString() {
            return method + " " + path + " " + headers;
        }
    }

    private static Case of(int status, String problem, String method, String path, String body, String... headers) {
        return new Case(status, problem, method, path, body, List.of(headers));
    }

    static Stream<Case> cases() {
        String counter = "/v1/counters/latin/" + ENCODED;
        String liked = "/v1/counters/latin/liked/members";
        String one = "{\"delta\":1}";
        return Stream.of(
                of(404, "not-found", "GET", counter, ""),
                of(404, "", "HEAD", counter, ""),
                of(404, "not-found", "GET", counter + "/events", "", "Accept", "text/event-stream"),
                of(404, "not-found", "PATCH", counter, "{\"value\":1}", "If-Match", "*"),
                of(404, "not-found", "DELETE", counter, ""),
                of(404, "not-found", "DELETE", counter, "", "If-Match", "\"1\"", "Idempotency-Key", "d"),
                of(409, "constraint-violated", "PUT", counter, ""),
                of(409, "constraint-violated", "PUT", counter, "{\"initial\":1,\"max\":2}"),
                of(409, "constraint-violated", "POST", counter + "/increments", one),
                of(409, "constraint-violated", "POST", counter + "/increments", one, "Idempotency-Key", "i"),
                of(409, "constraint-violated", "POST", counter + "/increments", one, "If-None-Match", "*"),
                of(
                        409,
                        "constraint-violated",
                        "POST",
                        "/v1/transactions",
                        "{\"increments\":[" + increment("good") + "," + increment(OMEGA) + "]}"),
                of(409, "constraint-violated", "PUT", liked + "/" + ENCODED, ""),
                of(409, "constraint-violated", "PUT", counter + "/members/ann", ""),
                of(409, "constraint-violated", "DELETE", liked + "/" + ENCODED, ""),
                of(404, "not-found", "GET", liked + "/" + ENCODED, ""),
                of(404, "not-found", "GET", counter + "/members/ann", ""),
                of(404, "not-found", "GET", counter + "/members", ""),
                of(400, "malformed", "GET", liked + "?cursor=" + cursor("members", "latin", "liked"), ""),
                of(404, "not-found", "GET", "/v1/names/latin/" + ENCODED, ""),
                of(404, "not-found", "GET", "/v1/names/latin/" + ENCODED + "?fold=lower", ""),
                of(400, "malformed", "GET", list("name", cursor("counters", "latin", "name")), ""),
                of(400, "malformed", "GET", list("value", ranked("value")), ""),
                of(400, "malformed", "GET", list("-value", ranked("-value")), ""),
                of(400, "malformed", "GET", list("growth", ranked("growth")), ""),
                of(400, "malformed", "GET", list("-growth", ranked("-growth")), ""));
    }

    private static String increment(String name) {
        return "{\"namespace\":\"latin\",\"name\":\"" + name + "\",\"delta\":0}";
    }

    /** What another database would have given. */
    private static String cursor(String... list) {
        return Cursor.write(List.of(list), List.of(OMEGA));
    }

    private static String ranked(String sort) {
        return Cursor.write(
                List.of("counters", "latin", sort), List.of(System.currentTimeMillis() + "000", "1", OMEGA));
    }

    private static String list(String sort, String cursor) {
        return "/v1/counters/latin?sort=" + sort + "&cursor=" + cursor;
    }

    @ParameterizedTest
    @MethodSource("cases")
    void itIsAnsweredAlone(Case refused) throws Exception {
        List<Answer> answers = Clients.atOnce(48, i -> i % 16 == 7 ? refused.send() : neighbour(i));

        for (int i = 0; i < answers.size(); i++) {
            Answer answer = answers.get(i);
            if (i % 16 == 7) {
                assertThat(answer.status()).as(answer.body()).isEqualTo(refused.status());
                assertThat(answer.body().isEmpty() ? "" : answer.problem()).isEqualTo(refused.problem());
            } else {
                assertThat(answer.status()).as(answer.body()).isBetween(200, 201);
            }
        }
    }

    /** One of the requests that share a batch with it, on each lane and connection. */
    private static Answer neighbour(int i) {
        String name = "caf%C3%A9";
        return switch (i % 6) {
            case 0 -> client.get("/v1/counters/latin/" + name);
            case 1 -> client.increment("latin/n" + i % 4, 0);
            case 2 -> client.send("PUT", "/v1/counters/latin/liked/members/m" + i, "");
            case 3 -> client.get("/v1/names/latin/" + name);
            case 4 -> client.send("POST", "/v1/names/latin", "[\"caf\u00E9\",\"n" + NAMES.incrementAndGet() + "\"]");
            default -> client.put("latin/p" + i % 4, "");
        };
    }

    @ParameterizedTest
    @ValueSource(strings = {"application/json", "application/x-ndjson"})
    void anItemIsRefusedInItsPlace(String type) throws Exception {
        List<String> names = new ArrayList<>();
        for (int i = 0; i < 64; i++) {
            names.add(i % 10 == 3 ? OMEGA + i : "item " + type.length() + " " + i);
        }
        List<String> increments = names.stream().map(EncodingIT::increment).toList();
        List<String> strings = names.stream().map(JSON::writeValueAsString).toList();

        for (String path : List.of("/v1/increments", "/v1/names/latin", "/v1/names/latin?fold=lower")) {
            List<String> items = path.equals("/v1/increments") ? increments : strings;
            boolean isStream = type.equals("application/x-ndjson");
            Answer answer = client.send(
                    "POST",
                    path,
                    isStream ? String.join("\n", items) : "[" + String.join(",", items) + "]",
                    "Content-Type",
                    type);
            assertThat(answer.status()).as(answer.body()).isEqualTo(200);
            List<JsonNode> each = isStream
                    ? answer.body().lines().map(JSON::readTree).toList()
                    : List.copyOf(answer.json().asArray().values());
            assertThat(each).hasSize(64);
            for (int i = 0; i < 64; i++) {
                assertThat(each.get(i).path("problem").path("type").asString(""))
                        .isEqualTo(i % 10 == 3 ? "/problems/constraint-violated" : "");
            }
        }
    }

    /** The database can hold the key, but not the spelling that comes first. */
    @Test
    void anotherSpellingOfANameIsTakenInsteadOfOneThatIsRefused() throws Exception {
        String small = "\u00FF";
        String names = JSON.writeValueAsString(List.of(
                Y_WITH_DIAERESIS, Y_WITH_DIAERESIS + Y_WITH_DIAERESIS, small, Y_WITH_DIAERESIS, small + small, "x"));

        Answer answer = client.send("POST", "/v1/names/spelled?fold=lower", names);

        assertThat(answer.status()).isEqualTo(200);
        List<JsonNode> each = List.copyOf(answer.json().asArray().values());
        assertThat(each.stream().map(item -> item.path("problem").path("status").asInt()))
                .containsExactly(409, 409, 0, 409, 0, 0);
        assertThat(each.get(2).path("created").asBoolean()).isTrue();
        assertThat(each.get(4).path("created").asBoolean()).isTrue();
        Answer again = client.send("POST", "/v1/names/spelled?fold=lower", names);
        assertThat(again.body()).doesNotContain("problem", "true");
        assertThat(client.get("/v1/names/spelled/" + RequestPath.encode(Y_WITH_DIAERESIS) + "?fold=lower")
                        .json()
                        .path("name")
                        .asString())
                .isEqualTo(small);
    }

    @Test
    void oneNameStopsNoStream() throws Exception {
        assertThat(client.increment("watched/a", 1).status()).isEqualTo(200);
        String several = "/v1/counters/watched/events?name=a&name=" + ENCODED + "&name=b";
        try (EventStream one = new EventStream(server.uri(), "/v1/counters/watched/a/events");
                EventStream with = new EventStream(server.uri(), several);
                EventStream resumed = new EventStream(server.uri(), several, "Last-Event-ID", "0,7,0")) {
            assertThat(one.await(1).version()).isEqualTo(1);
            with.awaitVersion("a", 1);
            resumed.awaitVersion(OMEGA, 0);

            assertThat(client.increment("watched/a", 1).status()).isEqualTo(200);
            assertThat(client.increment("watched/b", 1).status()).isEqualTo(200);

            one.awaitVersion("a", 2);
            for (EventStream stream : List.of(with, resumed)) {
                stream.awaitVersion("a", 2);
                stream.awaitVersion("b", 1);
            }
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"name", "value", "-value", "growth", "-growth"})
    void listsAreReadToTheirEnd(String sort) {
        assertThat(client.put("listed/greatest", "{\"initial\":9223372036854775807}")
                        .status())
                .isBetween(200, 201);
        assertThat(client.put("listed/least", "{\"initial\":-9223372036854775808}")
                        .status())
                .isBetween(200, 201);
        assertThat(client.put("listed/%C3%BF", "").status()).isBetween(200, 201);
        List<String> names = new ArrayList<>();
        String next = "";
        do {
            Answer page = client.get("/v1/counters/listed?limit=1&sort=" + sort + next);
            assertThat(page.status()).as(page.body()).isEqualTo(200);
            names.add(page.json().path("items").path(0).path("name").asString());
            next = page.json().path("next").isNull()
                    ? ""
                    : "&cursor=" + page.json().path("next").asString();
        } while (!next.isEmpty());
        assertThat(names).hasSize(3).doesNotHaveDuplicates();
    }

    @Test
    void tokensAreIssuedAndExecuted() {
        String token = client.post("/v1/tokens/latin").json().path("token").asString();
        assertThat(client.post("/v1/tokens/latin/" + token + "/execution").status())
                .isEqualTo(200);
        assertThat(client.post("/v1/tokens/latin/" + ENCODED + "/execution").status())
                .isEqualTo(400);
    }
}
