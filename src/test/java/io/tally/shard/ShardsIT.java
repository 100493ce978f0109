package io.tally.shard;

import static org.assertj.core.api.Assertions.assertThat;

import io.tally.http.RequestPath;
import io.tally.snapshot.SnapshotFixture;
import io.tally.testing.Clients;
import io.tally.testing.Database;
import io.tally.testing.EventStream;
import io.tally.testing.Postgres;
import io.tally.testing.TallyClient;
import io.tally.testing.TallyClient.Answer;
import io.tally.testing.TallyServer;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/** Four shards, on two instances of one database. */
@Tag("one-shard") // It chooses the number itself.
@Timeout(180)
class ShardsIT {

    private static final JsonMapper JSON = new JsonMapper();
    private static final String KEY = "Idempotency-Key";
    private static final String REPLAYED = "Idempotency-Replayed";
    private static final String[] STREAM = {"Content-Type", "application/x-ndjson"};

    private static Database database;
    private static TallyServer one;
    private static TallyServer other;
    private static TallyClient client;
    private static TallyClient otherClient;

    @BeforeAll
    static void start() throws SQLException {
        database = Postgres.shared().createEmptyDatabase();
        one = Shards.start(database, "tally.audit.interval", "200ms", "tally.watch.interval", "20ms");
        other = Shards.start(database);
        client = new TallyClient(one.uri());
        otherClient = new TallyClient(other.uri());
    }

    @AfterAll
    static void stop() {
        other.close();
        one.close();
    }

    @AfterEach
    void booksBalance() {
        client.requireBalancedBooks();
        otherClient.requireBalancedBooks();
    }

    private static String item(String namespace, String name, long delta) {
        return "{\"namespace\":\"" + namespace + "\",\"name\":\"" + name + "\",\"delta\":" + delta + "}";
    }

    private static String keyed(String item, String key) {
        return item.replace("}", ",\"key\":\"" + key + "\"}");
    }

    private static Answer array(TallyClient client, List<String> items, String... headers) {
        return client.send("POST", "/v1/increments", items.toString(), headers);
    }

    private static List<JsonNode> lines(TallyClient client, List<String> lines) {
        Answer answer = client.send("POST", "/v1/increments", String.join("\n", lines), STREAM);
        assertThat(answer.status()).as(answer.body()).isEqualTo(200);
        return answer.body().lines().map(JSON::readTree).toList();
    }

    private static List<Long> values(Iterable<JsonNode> answers) {
        List<Long> values = new ArrayList<>();
        answers.forEach(answer -> values.add(answer.path("value").asLong(Long.MIN_VALUE)));
        return values;
    }

    private static String problem(JsonNode answer) {
        return answer.path("problem").path("type").asString("");
    }

    private static long count(int shard, String table, String namespace) throws SQLException {
        return database.queryLong(
                "select count(*) from tally_" + shard + "." + table + " where namespace = ?", namespace);
    }

    /** Where the rows of a namespace are. */
    private static List<Integer> shardsOf(String table, String namespace) throws SQLException {
        List<Integer> found = new ArrayList<>();
        for (int shard : Shards.numbers()) {
            if (count(shard, table, namespace) > 0) {
                found.add(shard);
            }
        }
        return found;
    }

    // ---- rows

    /** The numbers of the shards are computed elsewhere, too: see ShardingTest. */
    @ParameterizedTest
    @CsvSource({"ns21, 1", "ns1, 2", "ns0, 3", "ns20, 4", "bravo:x, 1", "alpha:x, 2", "india:x, 3", "charlie:x, 4"})
    void theRowsOfANamespaceAreInItsSchema(String namespace, int shard) throws Exception {
        assertThat(client.increment(namespace + "/a", 2).json().path("value").asLong())
                .isEqualTo(2);
        assertThat(otherClient
                        .increment(namespace + "/a", 3)
                        .json()
                        .path("value")
                        .asLong())
                .isEqualTo(5);
        otherClient.put(namespace + "/set", "{\"kind\":\"set\"}");
        client.send("PUT", "/v1/counters/" + namespace + "/set/members/m", "");
        otherClient.send("POST", "/v1/names/" + namespace, "[\"n\"]");
        client.post("/v1/tokens/" + namespace);
        client.post("/v1/snapshots/" + namespace);

        for (String table : List.of("counter", "member", "name", "token", "job")) {
            assertThat(shardsOf(table, namespace)).as(table).containsExactly(shard);
        }
        assertThat(client.value(namespace + "/a")).isEqualTo(5);
        assertThat(database.queryLong("select count(*) from pg_tables where tablename = 'counter'"))
                .as("no table outside the schemas of the shards")
                .isEqualTo(Shards.COUNT);
    }

    // ---- arrays and streams

    @Test
    void anArrayOverAllShardsIsAnsweredInItsOrder() {
        List<String> namespaces = Shards.namespaces();
        List<String> items = new ArrayList<>();
        List<Long> expected = new ArrayList<>();
        for (int round = 1; round <= 50; round++) {
            for (int shard = 0; shard < Shards.COUNT; shard++) {
                long delta = 1L + shard;
                items.add(item(namespaces.get(shard), "a", delta));
                expected.add(round * delta);
            }
        }
        items.add(17, item("a:b:c", "a", 1));
        expected.add(17, Long.MIN_VALUE);

        Answer answer = array(client, items);
        assertThat(answer.status()).isEqualTo(200);
        assertThat(values(answer.json())).isEqualTo(expected);
        assertThat(problem(answer.json().get(17))).isEqualTo("/problems/malformed");
        for (int shard = 0; shard < Shards.COUNT; shard++) {
            assertThat(otherClient.value(namespaces.get(shard) + "/a")).isEqualTo(50L * (1 + shard));
        }
    }

    @Test
    void aKeyedArrayOverAllShardsIsReplayed() {
        List<String> items = Shards.namespaces().stream()
                .map(namespace -> item(namespace, "a", 7))
                .toList();
        String key = UUID.randomUUID().toString();

        Answer first = array(client, items, KEY, key);
        Answer again = array(otherClient, items, KEY, key);
        assertThat(values(first.json())).containsOnly(7L).hasSize(Shards.COUNT);
        assertThat(first.header(REPLAYED)).isEmpty();
        assertThat(again.header(REPLAYED)).isEqualTo("true");
        assertThat(values(again.json())).containsOnly(7L).hasSize(Shards.COUNT);
    }

    @Test
    void aStreamOverAllShardsIsAnsweredInItsOrderAndReplayed() throws Exception {
        List<String> namespaces = Shards.namespaces();
        String key = UUID.randomUUID().toString();
        Map<String, Long> sums = new HashMap<>();
        List<String> lines = new ArrayList<>();
        List<Long> expected = new ArrayList<>();
        for (int i = 0; i < 2_000; i++) {
            // Not in turns, so that the shards finish at different times.
            String namespace = namespaces.get((i * 7 + i / 5) % Shards.COUNT);
            lines.add(keyed(item(namespace, "s", i % 10 + 1), key + "-" + i));
            expected.add(sums.merge(namespace, i % 10 + 1L, Long::sum));
        }
        assertThat(sums).hasSize(Shards.COUNT);

        List<JsonNode> first = lines(client, lines);
        assertThat(values(first)).isEqualTo(expected);
        List<JsonNode> again = lines(otherClient, lines);
        assertThat(values(again)).isEqualTo(expected);
        assertThat(again).allMatch(answer -> answer.path("replayed").asBoolean());
        for (String namespace : namespaces) {
            assertThat(client.value(namespace + "/s")).isEqualTo(sums.get(namespace));
        }
        for (int shard : Shards.numbers()) {
            assertThat(database.queryLong(
                            "select count(*) from tally_" + shard + ".idempotency_key where key like ?", key + "-%"))
                    .as("records of lines in shard %d", shard)
                    .isEqualTo(lines.stream()
                            .filter(line -> line.contains(namespaces.get(shard - 1)))
                            .count());
        }
    }

    @Test
    void aKeyedUploadOverAllShardsIsReplayed() {
        List<String> namespaces = Shards.namespaces();
        String lines = IntStream.range(0, 400)
                .mapToObj(i -> item(namespaces.get(i % Shards.COUNT), "u", 1))
                .collect(Collectors.joining("\n"));
        String[] headers = {"Content-Type", "application/x-ndjson", "Prefer", "return=minimal", KEY, namespaces.get(0)};

        Answer first = client.send("POST", "/v1/increments", lines, headers);
        assertThat(first.json().path("applied").asLong()).as(first.body()).isEqualTo(400);
        Answer again = otherClient.send("POST", "/v1/increments", lines, headers);
        assertThat(again.json().path("replayed").asLong()).as(again.body()).isEqualTo(400);
        assertThat(namespaces)
                .allSatisfy(
                        namespace -> assertThat(client.value(namespace + "/u")).isEqualTo(100));
    }

    /** Each shard has records of its own. */
    @Test
    void theReuseOfAKeyForAnotherRequestIsDetectedWithinAShard() {
        String inOne = Shards.in(1);
        String alsoInOne = Shards.in(1);
        String inTwo = Shards.in(2);
        String key = UUID.randomUUID().toString();

        Answer array = array(client, List.of(item(inOne, "a", 1)), KEY, key);
        assertThat(values(array.json())).containsExactly(1L);
        JsonNode reused =
                array(otherClient, List.of(item(alsoInOne, "a", 1)), KEY, key).json();
        assertThat(problem(reused.get(0))).isEqualTo("/problems/idempotency-key-reused");
        JsonNode elsewhere =
                array(otherClient, List.of(item(inTwo, "a", 1)), KEY, key).json();
        assertThat(values(elsewhere)).containsExactly(1L);

        assertThat(transact(List.of(item(inOne, "t", 1)), "", KEY, key).status())
                .isEqualTo(200);
        Answer transaction = transact(List.of(item(alsoInOne, "t", 1)), "", KEY, key);
        assertThat(transaction.status()).isEqualTo(422);
        assertThat(transaction.problem()).isEqualTo("idempotency-key-reused");
        assertThat(transact(List.of(item(inTwo, "t", 1)), "", KEY, key).status())
                .isEqualTo(200);
        assertThat(client.get("/v1/counters/" + alsoInOne + "/t").status()).isEqualTo(404);
    }

    // ---- transactions

    private static Answer transact(List<String> increments, String more, String... headers) {
        return client.send("POST", "/v1/transactions", "{\"increments\":" + increments + more + "}", headers);
    }

    @ParameterizedTest
    @ValueSource(strings = {"", ",\"dryRun\":true"})
    void aTransactionAcrossShardsIsRefusedAsAWhole(String more) {
        String inOne = Shards.in(1);
        String inTwo = Shards.in(2);
        List<String> spanning = List.of(item(inOne, "a", 1), item(inOne, "b", 1), item(inTwo, "a", 1));

        // A dry run has no key.
        String[] headers = more.isEmpty() ? new String[] {KEY, inOne} : new String[0];
        Answer refused = transact(spanning, more, headers);
        assertThat(refused.status()).as(refused.body()).isEqualTo(400);
        assertThat(refused.problem()).isEqualTo("cross-shard");
        assertThat(refused.json().path("detail").asString())
                .contains("different shards", "same tag", "acme:stock and acme:sold");
        for (String counter : List.of(inOne + "/a", inOne + "/b", inTwo + "/a")) {
            assertThat(client.get("/v1/counters/" + counter).status()).isEqualTo(404);
        }
        // Refused requests are not recorded: the key is free.
        Answer within = transact(List.of(item(inOne, "a", 1)), "", KEY, inOne);
        assertThat(within.status()).as(within.body()).isEqualTo(200);
        assertThat(within.header(REPLAYED)).isEmpty();
    }

    @Test
    void aTransactionOfNamespacesWithATagIsApplied() {
        for (int shard : Shards.numbers()) {
            String stock = Shards.in(shard);
            String sold = Shards.in(shard);
            List<String> increments = List.of(item(stock, "apples", -3), item(sold, "apples", 3));

            assertThat(transact(increments, ",\"dryRun\":true").status()).isEqualTo(200);
            assertThat(client.get("/v1/counters/" + sold + "/apples").status()).isEqualTo(404);
            assertThat(transact(increments, "").status()).isEqualTo(200);
            assertThat(otherClient.value(stock + "/apples")).isEqualTo(-3);
            assertThat(otherClient.value(sold + "/apples")).isEqualTo(3);
        }
    }

    // ---- audits

    private static String scraped(String meter) {
        return new TallyClient(one.managementUri())
                .get("/actuator/prometheus")
                .body()
                .lines()
                .filter(line -> line.startsWith(meter + " "))
                .map(line -> line.substring(meter.length() + 1))
                .findFirst()
                .orElse("absent");
    }

    @Test
    void anAuditHasEachShardAndTheSums() {
        for (int shard : Shards.numbers()) {
            client.increment(Shards.in(shard) + "/a", 10L * shard);
        }
        JsonNode audit = client.post("/v1/audits").json();

        assertThat(audit.path("shards").values().stream()
                        .map(shard -> shard.path("shard").asInt()))
                .containsExactlyElementsOf(Shards.numbers());
        for (String sum : List.of("drift", "lostOperations", "counterSum", "writerSum")) {
            assertThat(audit.path("shards").values().stream()
                            .mapToLong(shard -> shard.path(sum).asLong())
                            .sum())
                    .as(sum)
                    .isEqualTo(audit.path(sum).asLong());
        }
        assertThat(audit.path("shards").values())
                .allSatisfy(shard -> assertThat(shard.path("counterSum").asLong())
                        .isEqualTo(shard.path("writerSum").asLong()));
        assertThat(audit.path("shards").get(2).path("counterSum").asLong())
                .isNotEqualTo(audit.path("shards").get(3).path("counterSum").asLong());
    }

    /** The sum alone would say that everything is in order. */
    @Test
    void theDriftOfAShardShowsAlthoughAnotherHasTheOpposite() throws Exception {
        String inTwo = Shards.in(2);
        String inThree = Shards.in(3);
        client.increment(inTwo + "/a", 1);
        client.increment(inThree + "/a", 1);
        TallyClient management = new TallyClient(one.managementUri());
        Clients.await(
                "up", Clients.PATIENCE, () -> management.get("/actuator/health").status() == 200);
        drift(2, inTwo, 5);
        drift(3, inThree, -5);
        try {
            JsonNode audit = client.post("/v1/audits").json();
            assertThat(audit.path("drift").asLong()).isZero();
            assertThat(audit.path("shards").values().stream()
                            .map(shard -> shard.path("drift").asLong()))
                    .containsExactly(0L, 5L, -5L, 0L);
            Map<Integer, String> gauges = new LinkedHashMap<>();
            Clients.await("the gauges", Clients.PATIENCE, () -> {
                Shards.numbers()
                        .forEach(shard -> gauges.put(shard, scraped("tally_audit_drift{shard=\"" + shard + "\"}")));
                return gauges.equals(Map.of(1, "0.0", 2, "5.0", 3, "-5.0", 4, "0.0"));
            });
            Answer health = management.get("/actuator/health");
            assertThat(health.status()).isEqualTo(503);
            assertThat(health.json().at("/components/audit/status").asString()).isEqualTo("DOWN");
            assertThat(health.json().at("/components/audit/details/shards").values().stream()
                            .map(JsonNode::asInt))
                    .as(health.body())
                    .containsExactly(2, 3);
            assertThat(client.get("/readyz").status()).isEqualTo(200);
        } finally {
            drift(2, inTwo, -5);
            drift(3, inThree, 5);
        }
        Clients.await(
                "up again",
                Clients.PATIENCE,
                () -> management.get("/actuator/health").status() == 200);
    }

    private static void drift(int shard, String namespace, long value) throws SQLException {
        database.execute(
                "update tally_" + shard + ".counter set value = value + ? where namespace = ?", value, namespace);
    }

    // ---- jobs

    @Test
    void snapshotsInAllShardsRunToTheEnd() throws Exception {
        List<String> namespaces = Shards.namespaces();
        List<String> jobs = new ArrayList<>();
        for (int i = 0; i < Shards.COUNT; i++) {
            List<String> items = new ArrayList<>();
            for (int counter = 0; counter <= i; counter++) {
                items.add(item(namespaces.get(i), "c" + counter, 3));
            }
            array(client, items);
            jobs.add(SnapshotFixture.start(i % 2 == 0 ? client : otherClient, namespaces.get(i)));
        }

        for (int i = 0; i < Shards.COUNT; i++) {
            String namespace = namespaces.get(i);
            String job = jobs.get(i);
            Answer done = SnapshotFixture.awaitDone(i % 2 == 0 ? otherClient : client, job);
            assertThat(done.json().path("done").asLong()).isEqualTo(i + 1);
            assertThat(done.json().path("namespace").asString()).isEqualTo(namespace);
            UUID id = UUID.fromString(done.json().path("id").asString());
            assertThat(id.version()).isEqualTo(8);
            assertThat(id.getLeastSignificantBits() & 0xFF)
                    .as("the index of the shard")
                    .isEqualTo(i);
            assertThat(shardsOf("job", namespace)).containsExactly(i + 1);
            assertThat(client.get("/v1/counters/" + namespace + "?sort=name")
                            .json()
                            .at("/items/0/snapshotValue")
                            .asLong())
                    .isEqualTo(3);
        }
    }

    /** The id of a job in another shard, and in one that does not exist. */
    @ParameterizedTest
    @ValueSource(strings = {"01", "03", "04", "80", "ff"})
    void anIdWithAnotherShardIsNotFound(String last) throws Exception {
        String job = SnapshotFixture.start(client, Shards.in(1));
        SnapshotFixture.awaitDone(client, job);
        String elsewhere = job.substring(0, job.length() - 2) + last;

        for (String accept : List.of("application/json", "text/event-stream")) {
            Answer absent = otherClient.get(elsewhere, "Accept", accept);
            assertThat(absent.status()).as(absent.body()).isEqualTo(404);
            assertThat(absent.problem()).isEqualTo("not-found");
        }
    }

    // ---- reads, names and tokens

    @Test
    void eachShardHasStreamsAndLists() throws Exception {
        for (int shard : Shards.numbers()) {
            String namespace = Shards.in(shard);
            List<String> items = IntStream.rangeClosed(1, 5)
                    .mapToObj(i -> item(namespace, "c" + i, i))
                    .toList();
            array(otherClient, items);
            assertThat(names(client.get("/v1/counters/" + namespace + "?sort=name")))
                    .containsExactly("c1", "c2", "c3", "c4", "c5");
            Answer first = client.get("/v1/counters/" + namespace + "?sort=-value&limit=2");
            assertThat(names(first)).containsExactly("c5", "c4");
            assertThat(names(otherClient.get("/v1/counters/" + namespace + "?sort=-value&limit=2&cursor="
                            + first.json().path("next").asString())))
                    .containsExactly("c3", "c2");
            try (EventStream single = new EventStream(one.uri(), "/v1/counters/" + namespace + "/c1/events");
                    EventStream several =
                            new EventStream(one.uri(), "/v1/counters/" + namespace + "/events?name=c2&name=c3")) {
                otherClient.increment(namespace + "/c1", 10);
                otherClient.increment(namespace + "/c3", 10);
                assertThat(single.awaitVersion("c1", 2).value()).isEqualTo(11);
                assertThat(several.awaitVersion("c3", 2).value()).isEqualTo(13);
                assertThat(several.awaitVersion("c2", 1).value()).isEqualTo(2);
            }
        }
    }

    private static List<String> names(Answer page) {
        assertThat(page.status()).as(page.body()).isEqualTo(200);
        return page.json().path("items").values().stream()
                .map(item -> item.path("name").asString())
                .toList();
    }

    @Test
    void eachShardHasNamesAndTokens() throws Exception {
        for (int shard : Shards.numbers()) {
            String namespace = Shards.in(shard);
            Answer created = client.send("POST", "/v1/names/" + namespace, "[\"Ada\",\"Bob\",\"Ada\"]");
            assertThat(created.json().values().stream()
                            .map(named -> named.path("id").asLong()))
                    .containsExactly(1L, 2L, 1L);
            assertThat(otherClient
                            .get("/v1/names/" + namespace + "/Bob")
                            .json()
                            .path("id")
                            .asLong())
                    .isEqualTo(2);

            Answer issued = client.send("POST", "/v1/tokens/" + namespace, "");
            String execution = "/v1/tokens/" + namespace + "/"
                    + RequestPath.encode(issued.json().path("token").asString()) + "/execution";
            String elsewhere = execution.replace(namespace, Shards.in(shard % Shards.COUNT + 1));
            assertThat(client.post(elsewhere).status()).isEqualTo(404);
            assertThat(otherClient.post(execution).status()).isEqualTo(200);
            assertThat(client.post(execution).status()).isEqualTo(409);
        }
    }

    // ---- names of namespaces

    /** Each is a way to a namespace. */
    private static final List<String> ROUTES = List.of(
            "GET /v1/counters/{}",
            "GET /v1/counters/{}/events?name=a",
            "GET /v1/counters/{}/a",
            "PUT /v1/counters/{}/a",
            "PATCH /v1/counters/{}/a",
            "DELETE /v1/counters/{}/a",
            "POST /v1/counters/{}/a/increments",
            "GET /v1/counters/{}/a/events",
            "GET /v1/counters/{}/a/periods",
            "GET /v1/counters/{}/a/members",
            "GET /v1/counters/{}/a/members/m",
            "PUT /v1/counters/{}/a/members/m",
            "DELETE /v1/counters/{}/a/members/m",
            "POST /v1/names/{}",
            "GET /v1/names/{}/n",
            "POST /v1/tokens/{}",
            "POST /v1/tokens/{}/t/execution",
            "POST /v1/snapshots/{}");

    private static Answer send(String route, String namespace) {
        String[] parts = route.replace("{}", namespace).split(" ", 2);
        boolean patch = parts[0].equals("PATCH");
        String body = patch
                ? "{\"max\":null}"
                : parts[1].startsWith("/v1/names/") && parts[0].equals("POST") ? "[\"n\"]" : "";
        return patch
                ? client.send(parts[0], parts[1], body, "Content-Type", "application/merge-patch+json", "If-Match", "*")
                : client.send(parts[0], parts[1], body);
    }

    @ParameterizedTest
    @ValueSource(strings = {":b", "a:", "a:b:c", "a:-b", "a::b", ":", "a%3A", "a%3Ab%3Ac", "a%253Ab", "a:%2Fb"})
    void everyRouteRefusesAMalformedTag(String namespace) {
        for (String route : ROUTES) {
            Answer answer = send(route, namespace);
            assertThat(answer.status()).as("%s: %s", route, answer.body()).isEqualTo(400);
            assertThat(answer.problem()).as(route).isEqualTo("malformed");
        }
        assertThat(send(ROUTES.getFirst(), namespace).json().path("detail").asString())
                .contains("a tag in front, such as acme in acme:stock");
    }

    @Test
    void everyRouteAcceptsATagOfUpTo64Characters() {
        String longest = "bravo:" + "x".repeat(58);
        for (String namespace : List.of("bravo:b", "bravo%3Ab", "bravo%3ab", longest)) {
            for (String route : ROUTES) {
                if (!route.endsWith("events") && !route.contains("events?")) {
                    assertThat(send(route, namespace).status()).as(route).isIn(200, 201, 202, 204, 404, 409);
                }
            }
            assertThat(client.increment(namespace + "/same", 1).status()).isEqualTo(200);
        }
        for (String route : ROUTES) {
            assertThat(send(route, longest + "x").status()).as(route).isEqualTo(400);
        }
        assertThat(client.value("bravo:b/same"))
                .as("three spellings of one path")
                .isEqualTo(3);
    }

    @Test
    void arraysAndLinesHaveTheSameRule() {
        List<String> items = List.of(
                item("bravo:b", "line", 1),
                item(":b", "line", 1),
                item("a:", "line", 1),
                item("a:b:c", "line", 1),
                item("a:-b", "line", 1),
                item("a%3Ab", "line", 1),
                item("x".repeat(65), "line", 1),
                item("bravo:" + "x".repeat(58), "line", 1));
        List<String> problems = new ArrayList<>(List.of(""));
        problems.addAll(Collections.nCopies(6, "/problems/malformed"));
        problems.add("");

        assertThat(array(client, items).json().values().stream().map(ShardsIT::problem))
                .isEqualTo(problems);
        assertThat(lines(client, items).stream().map(ShardsIT::problem)).isEqualTo(problems);
        for (String malformed : items.subList(1, 7)) {
            assertThat(transact(List.of(malformed), "").problem()).isEqualTo("malformed");
        }
    }
}
