package io.tally.ranking;

import static org.assertj.core.api.Assertions.assertThat;

import io.tally.http.Cursor;
import io.tally.testing.Clients;
import io.tally.testing.Database;
import io.tally.testing.Postgres;
import io.tally.testing.TallyClient;
import io.tally.testing.TallyClient.Answer;
import io.tally.testing.TallyServer;
import java.net.URLEncoder;
import java.nio.charset.StandardCharsets;
import java.sql.SQLException;
import java.time.Duration;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.UUID;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.Consumer;
import java.util.function.Function;
import java.util.stream.IntStream;
import java.util.stream.StreamSupport;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import tools.jackson.databind.JsonNode;

/** Lists of counters, on two instances of one database; to the second one a namespace of ten counters is large. */
@Tag("four-shards")
@Timeout(120)
class ListsIT {

    private static final Duration PATIENCE = Duration.ofSeconds(30);

    private static Database database;
    private static TallyServer one;
    private static TallyServer other;
    private static TallyClient client;
    private static TallyClient largeClient;

    @BeforeAll
    static void start() throws SQLException {
        database = Postgres.shared().createDatabase();
        one = TallyServer.start(database);
        other = TallyServer.start(database, "tally.ranking.small-max", "10", "tally.ranking.interval", "100ms");
        client = new TallyClient(one.uri());
        largeClient = new TallyClient(other.uri());
    }

    @AfterAll
    static void stop() {
        one.close();
        other.close();
    }

    @AfterEach
    void booksBalance() {
        client.requireBalancedBooks();
    }

    private static String fresh() {
        return "list-" + UUID.randomUUID();
    }

    private static List<JsonNode> items(Answer page) {
        assertThat(page.status()).as(page.body()).isEqualTo(200);
        return StreamSupport.stream(page.json().path("items").spliterator(), false)
                .toList();
    }

    private static <T> List<T> each(List<JsonNode> items, Function<JsonNode, T> what) {
        return items.stream().map(what).toList();
    }

    private static String name(JsonNode item) {
        return item.path("name").asString();
    }

    private static long rank(JsonNode item) {
        return item.path("rank").asLong();
    }

    /** All items of all pages; between two pages something happens. */
    private static List<JsonNode> pages(TallyClient client, String path, Consumer<Integer> between) {
        List<JsonNode> items = new ArrayList<>();
        String cursor = "";
        for (int page = 1; cursor != null; page++) {
            Answer answer = client.get(path + cursor);
            items.addAll(items(answer));
            JsonNode next = answer.json().path("next");
            cursor = next.isNull() ? null : "&cursor=" + next.asString();
            between.accept(page);
        }
        return items;
    }

    private static void increments(String namespace, int counters, Function<Integer, Integer> delta) {
        List<String> lines = IntStream.range(0, counters)
                .mapToObj(i -> "{\"namespace\":\"" + namespace + "\",\"name\":\"c" + i + "\",\"delta\":"
                        + delta.apply(i) + "}")
                .toList();
        assertThat(client.send("POST", "/v1/increments", lines.toString()).status())
                .isEqualTo(200);
    }

    @Test
    void listsByNameInTheOrderOfBytes() {
        String namespace = fresh();
        for (String name : List.of("b", "a", "B", "%C3%BC", "a%2Fb", "z", "10", "9")) {
            client.increment(namespace + "/" + name, 1);
        }
        List<String> expected = List.of("10", "9", "B", "a", "a/b", "b", "z", "ü");

        assertThat(each(items(client.get("/v1/counters/" + namespace)), ListsIT::name))
                .isEqualTo(expected);
        assertThat(each(pages(client, "/v1/counters/" + namespace + "?limit=3&sort=name", page -> {}), ListsIT::name))
                .isEqualTo(expected);
        JsonNode first =
                items(client.get("/v1/counters/" + namespace + "?limit=1")).getFirst();
        JsonNode alone = client.get("/v1/counters/" + namespace + "/10").json();
        alone.properties()
                .forEach(member -> assertThat(first.path(member.getKey())).isEqualTo(member.getValue()));
    }

    @Test
    void anUnknownNamespaceIsEmpty() {
        for (String sort : List.of("name", "value", "-value", "growth", "-growth")) {
            Answer page = client.get("/v1/counters/" + fresh() + "?sort=" + sort);
            assertThat(items(page)).isEmpty();
            assertThat(page.json().path("next").isNull()).isTrue();
        }
    }

    @Test
    void listsByValueBothWaysWithTies() {
        String namespace = fresh();
        increments(namespace, 40, i -> i % 4 - 1);

        List<JsonNode> up = pages(client, "/v1/counters/" + namespace + "?sort=value&limit=7", page -> {});
        List<JsonNode> down = pages(client, "/v1/counters/" + namespace + "?sort=-value&limit=7", page -> {});

        assertThat(up)
                .hasSize(40)
                .isSortedAccordingTo(Comparator.comparingLong(ListsIT::rank).thenComparing(ListsIT::name));
        assertThat(each(down, ListsIT::name)).isEqualTo(each(up, ListsIT::name).reversed());
        assertThat(up).allMatch(item -> item.path("value").asLong() == rank(item));
    }

    @Test
    void holdsTheEndsOfSixtyFourBits() {
        String namespace = fresh();
        client.put(namespace + "/max", "{\"initial\":" + Long.MAX_VALUE + "}");
        client.put(namespace + "/min", "{\"initial\":" + Long.MIN_VALUE + "}");
        client.put(namespace + "/zero", "");
        List<String> up = List.of("min", "zero", "max");
        assertThat(each(pages(client, "/v1/counters/" + namespace + "?sort=value&limit=1", page -> {}), ListsIT::name))
                .isEqualTo(up);
        assertThat(each(pages(client, "/v1/counters/" + namespace + "?sort=-value&limit=1", page -> {}), ListsIT::name))
                .isEqualTo(up.reversed());
        // So that the books of the other tests stay within what they read as a number.
        client.send("DELETE", "/v1/counters/" + namespace + "/max", "");
        client.send("DELETE", "/v1/counters/" + namespace + "/min", "");
    }

    /** A sequence of pages shows each counter once in one order, even while counters change between pages. */
    @ParameterizedTest
    @ValueSource(strings = {"name", "value", "-value", "growth", "-growth"})
    void aSequenceIsCompleteAndWithoutDoublesWhileValuesChange(String sort) throws Exception {
        String namespace = fresh();
        increments(namespace, 200, i -> i);
        AtomicBoolean over = new AtomicBoolean();
        List<List<JsonNode>> seen = Clients.atOnce(4, number -> {
            if (number == 0) {
                List<JsonNode> items = pages(
                        client,
                        "/v1/counters/" + namespace + "?limit=9&sort=" + sort,
                        page -> increments(namespace, 200, i -> (i * 31 + page * 17) % 400 - 200));
                over.set(true);
                return items;
            }
            for (int i = 0; !over.get(); i++) {
                client.increment(namespace + "/c" + (i * 7 + number) % 200, i % 2 == 0 ? 1_000 : -1_000);
                // Others bring the order up to date meanwhile.
                items(client.get("/v1/counters/" + namespace + "?limit=1&sort=-value"));
            }
            return List.of();
        });

        List<JsonNode> items =
                seen.stream().filter(list -> !list.isEmpty()).findFirst().orElseThrow();
        assertThat(each(items, ListsIT::name))
                .containsExactlyInAnyOrderElementsOf(
                        IntStream.range(0, 200).mapToObj(i -> "c" + i).toList());
        Comparator<JsonNode> order =
                sort.equals("name") ? Comparator.comparing(ListsIT::name) : Comparator.comparingLong(ListsIT::rank);
        assertThat(items).isSortedAccordingTo(sort.startsWith("-") ? order.reversed() : order);
    }

    @Test
    void growthIsWhatWasAddedSinceTheLastSnapshot() throws Exception {
        String namespace = fresh();
        increments(namespace, 5, i -> 100 * i);
        snapshot(namespace);
        increments(namespace, 5, i -> 10 - i);
        client.increment(namespace + "/new", 7);

        List<JsonNode> items = items(client.get("/v1/counters/" + namespace + "?sort=-growth"));
        assertThat(each(items, ListsIT::name))
                .containsExactly("c0", "c1", "c2", "new", "c3", "c4")
                .isNotEmpty();
        assertThat(each(items, ListsIT::rank)).containsExactly(10L, 9L, 8L, 7L, 7L, 6L);
        assertThat(items.getFirst().path("snapshotValue").asLong()).isZero();
        assertThat(items.get(5).path("snapshotValue").asLong()).isEqualTo(400);
    }

    private static void snapshot(String namespace) throws InterruptedException {
        Answer started = client.post("/v1/snapshots/" + namespace);
        assertThat(started.status()).isEqualTo(202);
        Clients.await(
                "snapshot",
                PATIENCE,
                () -> client.get(started.header("Location"))
                        .json()
                        .path("state")
                        .asString()
                        .equals("done"));
    }

    @Test
    void aLargeNamespaceIsReadyBeforeLongAndSaysHowFarItLags() throws Exception {
        String namespace = fresh();
        String path = "/v1/counters/" + namespace + "?sort=-value&limit=5";
        increments(namespace, 50, i -> i);
        Answer first = largeClient.get(path);
        assertThat(first.problem()).isEqualTo("list-pending");
        assertThat(first.status()).isEqualTo(503);
        assertThat(first.header("Retry-After")).isNotEmpty();

        Clients.await("ready", PATIENCE, () -> largeClient.get(path).status() == 200);
        Answer ready = largeClient.get(path);
        assertThat(each(items(ready), ListsIT::name)).containsExactly("c49", "c48", "c47", "c46", "c45");
        assertThat(ready.json().path("lagSeconds").asDouble()).isBetween(0.0, 60.0);

        client.increment(namespace + "/c3", 1_000);
        Instant acknowledged = Instant.now();
        Clients.await(
                "a later pass", PATIENCE, () -> asOf(largeClient.get(path)).isAfter(acknowledged));
        assertThat(name(items(largeClient.get(path)).getFirst())).isEqualTo("c3");
    }

    private static Instant asOf(Answer page) {
        return Instant.parse(page.json().path("asOf").asString());
    }

    @Test
    void aLargeNamespaceFollowsRemovalsAndSnapshots() throws Exception {
        String namespace = fresh();
        increments(namespace, 30, i -> i);
        String byGrowth = "/v1/counters/" + namespace + "?sort=-growth&limit=3";
        Clients.await("ready", PATIENCE, () -> largeClient.get(byGrowth).status() == 200);

        client.send("DELETE", "/v1/counters/" + namespace + "/c29", "");
        assertThat(each(items(largeClient.get(byGrowth)), ListsIT::name)).containsExactly("c28", "c27");

        snapshot(namespace);
        client.increment(namespace + "/c5", 1);
        Clients.await(
                "a pass after the snapshot",
                PATIENCE,
                () -> each(items(largeClient.get(byGrowth)), ListsIT::rank).equals(List.of(1L, 0L, 0L)));
        assertThat(name(items(largeClient.get(byGrowth)).getFirst())).isEqualTo("c5");
    }

    @Test
    void aSmallNamespaceThatGrowsLargeIsListedAsALargeOne() throws Exception {
        String namespace = fresh();
        String path = "/v1/counters/" + namespace + "?sort=-value&limit=2";
        increments(namespace, 5, i -> i);
        assertThat(each(items(largeClient.get(path)), ListsIT::name)).containsExactly("c4", "c3");

        increments(namespace, 60, i -> i);
        Clients.await(
                "the order of a large one",
                PATIENCE,
                () -> each(items(largeClient.get(path)), ListsIT::name).equals(List.of("c59", "c58")));
        assertThat(database.of(namespace).queryLong("select counters from ranking_pass where namespace = ?", namespace))
                .isGreaterThan(10);
    }

    /** So that a page whose pass is the last one never has a cursor that is too old. */
    @Test
    void thePassesOverALargeNamespaceAreNeverFarApart() throws Exception {
        String namespace = fresh();
        database.of(namespace)
                .execute(
                        "insert into counter (namespace, name, value) select ?, 'c' || i, 0"
                                + " from generate_series(1, 70000) i",
                        namespace);
        Clients.await(
                "ready",
                PATIENCE,
                () -> largeClient
                                .get("/v1/counters/" + namespace + "?sort=value&limit=1")
                                .status()
                        == 200);
        assertThat(database.of(namespace)
                        .queryLong(
                                "select extract(epoch from due_at - passed_at)::bigint from ranking_pass"
                                        + " where namespace = ?",
                                namespace))
                .isBetween(20L, 61L + PATIENCE.toSeconds());
    }

    /** A clock that is set back must not prevent the refresh of an order. */
    @Test
    void anOrderFromTheFutureIsBroughtUpToDate() throws Exception {
        String namespace = fresh();
        increments(namespace, 5, i -> i);
        items(client.get("/v1/counters/" + namespace + "?sort=-value"));
        database.of(namespace)
                .execute(
                        "update ranking_pass r set passed_at = p.passed_at, due_at = p.due_at, full_at = p.full_at"
                                + " from (select namespace, passed_at + i as passed_at, due_at + i as due_at,"
                                + " full_at + i as full_at from ranking_pass, (select interval '1 hour' as i) hour"
                                + " where namespace = ? offset 0) p where r.namespace = p.namespace",
                        namespace);
        client.increment(namespace + "/c0", 100);

        Answer page = client.get("/v1/counters/" + namespace + "?sort=-value&limit=1");
        assertThat(name(items(page).getFirst())).isEqualTo("c0");
        assertThat(page.json().path("lagSeconds").asDouble()).isZero();
    }

    @Test
    void aRemovedCounterIsSeenNoMoreUntilItIsMadeAgain() throws Exception {
        String namespace = fresh();
        increments(namespace, 10, i -> i);
        assertThat(items(client.get("/v1/counters/" + namespace + "?sort=value")))
                .hasSize(10);
        client.send("DELETE", "/v1/counters/" + namespace + "/c4", "");
        assertThat(each(items(client.get("/v1/counters/" + namespace + "?sort=value")), ListsIT::name))
                .hasSize(9)
                .doesNotContain("c4");
        client.increment(namespace + "/c4", -1);
        Clients.await(
                "made again",
                PATIENCE,
                () -> name(items(client.get("/v1/counters/" + namespace + "?sort=value"))
                                .getFirst())
                        .equals("c4"));
    }

    @Test
    void refusesWhatIsMalformed() {
        String namespace = fresh();
        increments(namespace, 10, i -> i);
        String path = "/v1/counters/" + namespace;
        String byValue =
                client.get(path + "?sort=value&limit=2").json().path("next").asString();
        String byName = client.get(path + "?limit=2").json().path("next").asString();
        for (String query : List.of(
                "?sort=size",
                "?sort=",
                "?limit=0",
                "?limit=1001",
                "?limit=-1",
                "?limit=1e3",
                "?cursor=",
                "?cursor=x",
                "?cursor=" + byValue,
                "?sort=value&cursor=" + byName,
                "?sort=-value&cursor=" + byValue,
                "?sort=growth&cursor=" + byValue,
                "?sort=value&cursor=" + byValue + "A",
                "?sort=value&cursor=" + (byValue.startsWith("A") ? "B" : "A") + byValue.substring(1))) {
            Answer answer = client.get(path + query);
            assertThat(answer.problem()).as(query).isEqualTo("malformed");
            assertThat(answer.status()).isEqualTo(400);
        }
        assertThat(client.get("/v1/counters/" + namespace + "x?sort=value&cursor=" + byValue)
                        .status())
                .isEqualTo(400);
        assertThat(client.get("/v1/counters/-bad").status()).isEqualTo(400);
        assertThat(client.post(path).status()).isEqualTo(405);
        assertThat(client.get(path + "?sort=value&cursor=" + byValue).status()).isEqualTo(200);
    }

    /** More lists than there is room for are refused at once, and a counter is read beside them all the same. */
    @Test
    void manyListsAtOnceHoldUpNoCounter() throws Exception {
        String namespace = fresh();
        increments(namespace, 200, i -> i);
        String path = "/v1/counters/" + namespace + "?limit=1000";
        // So patient that only what finds no room is refused.
        try (TallyServer patient = TallyServer.start(
                database,
                "tally.database.connect-timeout",
                "60s",
                "tally.pipeline.wait-max",
                "60s",
                "tally.pipeline.outcome-max",
                "60s",
                "tally.pipeline.drain-max",
                "60s")) {
            TallyClient asking = new TallyClient(patient.uri());
            List<Answer> answers = Clients.atOnce(
                    600,
                    number -> number % 100 == 0
                            ? asking.get("/v1/counters/" + namespace + "/c" + number / 100)
                            : asking.get(path));

            assertThat(answers).allSatisfy(answer -> assertThat(answer.status()).isIn(200, 503));
            assertThat(answers.stream().filter(answer -> answer.status() == 503))
                    .allSatisfy(answer -> assertThat(answer.problem()).isEqualTo("overloaded"));
            assertThat(answers.stream().filter(answer -> answer.json().has("version")))
                    .hasSize(6);
            assertThat(items(asking.get(path))).hasSize(200);
        }
    }

    /** A handmade cursor may be invalid. */
    @Test
    void refusesAPlaceThatIsNone() {
        String namespace = fresh();
        for (List<String> place : List.of(
                List.of("x"),
                List.of("1", "2"),
                List.of("x", "1", "a"),
                List.of("1", "1", "a\u0000b"),
                List.of("1", "1", ""),
                List.of("1", "99999999999999999999", "a"))) {
            String cursor = Cursor.write(List.of("counters", namespace, "value"), place);
            Answer answer = client.get("/v1/counters/" + namespace + "?sort=value&cursor=" + cursor);
            assertThat(answer.problem()).as(place.toString()).isEqualTo("malformed");
        }
        String future =
                Cursor.write(List.of("counters", namespace, "value"), List.of(Long.toString(Long.MAX_VALUE), "1", "a"));
        assertThat(items(client.get("/v1/counters/" + namespace + "?sort=value&cursor=" + future)))
                .isEmpty();
        String byName = Cursor.write(List.of("counters", namespace, "name"), List.of("a\u0000b"));
        assertThat(client.get("/v1/counters/" + namespace + "?cursor=" + byName).problem())
                .isEqualTo("malformed");
    }

    @Test
    void anOldCursorSaysSo() {
        String namespace = fresh();
        increments(namespace, 10, i -> i);
        long old = ChronoUnit.MICROS.between(Instant.EPOCH, Instant.now().minus(Ranking.PASS_LIFE.plusSeconds(5)));
        String cursor = Cursor.write(List.of("counters", namespace, "value"), List.of(Long.toString(old), "3", "c3"));
        Answer answer = client.get("/v1/counters/" + namespace + "?sort=value&cursor=" + cursor);
        assertThat(answer.status()).isEqualTo(410);
        assertThat(answer.problem()).isEqualTo("cursor-expired");
    }

    /** What no page can ask for any more goes, so that the order does not grow with time. */
    @Test
    void forgetsPastOrders() throws Exception {
        String namespace = fresh();
        increments(namespace, 5, i -> i);
        items(client.get("/v1/counters/" + namespace + "?sort=value"));
        database.of(namespace)
                .execute(
                        "insert into ranking (value, growth, since, until, namespace, name)"
                                + " values (0, 0, now() - interval '2 hours', now() - interval '1 hour', ?, 'c0')",
                        namespace);
        Clients.await("forgotten", PATIENCE, () -> {
            client.increment(namespace + "/c0", 1);
            items(client.get("/v1/counters/" + namespace + "?sort=value"));
            return past(namespace) == 0;
        });
    }

    private static long past(String namespace) {
        try {
            return database.of(namespace)
                    .queryLong(
                            "select count(*) from ranking where namespace = ?"
                                    + " and until < now() - interval '30 minutes'",
                            namespace);
        } catch (SQLException e) {
            throw new IllegalStateException(e);
        }
    }

    // ---- by prefix

    private static List<String> names(String path) {
        return each(pages(client, path, page -> {}), ListsIT::name);
    }

    private static String put(String namespace, String name) {
        String path = namespace + "/"
                + URLEncoder.encode(name, StandardCharsets.UTF_8).replace("+", "%20");
        assertThat(client.put(path, "").status()).isEqualTo(201);
        return name;
    }

    @Test
    void prefixSelectsTheNamesThatBeginWithIt() {
        String namespace = fresh();
        List<String> all = List.of(
                "a",
                "ab",
                "ab%",
                "ab_c",
                "ab\u00e4",
                "ab\uffff",
                "ab\ud83d\ude00",
                "ab\udbff\udfff",
                "ac",
                "b",
                "A",
                "\u00e4b");
        all.forEach(name -> put(namespace, name));
        for (int limit : new int[] {1, 2, 1_000}) {
            String path = "/v1/counters/" + namespace + "?sort=name&limit=" + limit + "&prefix=";
            assertThat(names(path + "ab"))
                    .containsExactly("ab", "ab%", "ab_c", "ab\u00e4", "ab\uffff", "ab\ud83d\ude00", "ab\udbff\udfff");
            assertThat(names(path + "a")).containsExactlyElementsOf(all.subList(0, 9));
            assertThat(names(path + "ab%25")).containsExactly("ab%");
            assertThat(names(path + "ab_")).containsExactly("ab_c");
            assertThat(names(path + "%C3%A4")).containsExactly("\u00e4b");
            assertThat(names(path + "ab%F4%8F%BF%BF")).containsExactly("ab\udbff\udfff");
            assertThat(names(path + "c")).isEmpty();
            assertThat(names(path)).hasSameElementsAs(all).hasSameSizeAs(all);
        }
    }

    @Test
    void pageEndsWhereThePrefixDoes() {
        String namespace = fresh();
        for (String name : List.of("a1", "a2", "b1", "b2")) {
            put(namespace, name);
        }
        Answer page = client.get("/v1/counters/" + namespace + "?prefix=a&limit=2");
        assertThat(each(items(page), ListsIT::name)).containsExactly("a1", "a2");
        assertThat(page.json().path("next").isNull()).isTrue();
    }

    @Test
    void prefixIsPartOfTheList() {
        String namespace = fresh();
        for (String name : List.of("a1", "a2", "b1")) {
            put(namespace, name);
        }
        String path = "/v1/counters/" + namespace + "?limit=1";
        String all = client.get(path).json().path("next").asString();
        String some = client.get(path + "&prefix=a").json().path("next").asString();
        assertThat(client.get(path + "&prefix=a&cursor=" + some).status()).isEqualTo(200);
        for (String query : List.of("&prefix=a&cursor=" + all, "&cursor=" + some, "&prefix=b&cursor=" + some)) {
            assertThat(client.get(path + query).status()).as(query).isEqualTo(400);
        }
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "prefix=a&sort=value",
                "prefix=a&sort=-value",
                "prefix=a&sort=growth",
                "prefix=a&sort=-growth",
                "prefix=a&prefix=b",
                "prefix=%00",
                "prefix=%0A",
                "prefix=%FF",
                "prefix=%ED%A0%80"
            })
    void otherPrefixIsRefused(String query) {
        assertThat(client.get("/v1/counters/prefixes?" + query).status()).isEqualTo(400);
        assertThat(client.get("/v1/counters/prefixes?prefix=" + "a".repeat(257)).status())
                .isEqualTo(400);
        assertThat(client.get("/v1/counters/prefixes?prefix=" + "a".repeat(256)).status())
                .isEqualTo(200);
    }
}
