package io.tally.name;

import static org.assertj.core.api.Assertions.assertThat;

import io.tally.http.RequestPath;
import io.tally.testing.Clients;
import io.tally.testing.Database;
import io.tally.testing.Postgres;
import io.tally.testing.TallyClient;
import io.tally.testing.TallyClient.Answer;
import io.tally.testing.TallyServer;
import java.sql.Connection;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import java.util.UUID;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import java.util.stream.LongStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/** Names on two instances of one database: each name has one id, independent of the first caller. */
@Tag("four-shards")
@Timeout(300)
class NamesIT {

    private static final JsonMapper JSON = new JsonMapper();
    private static final String[] STREAM = {"Content-Type", "application/x-ndjson"};

    private static Database database;
    private static TallyServer one;
    private static TallyServer other;
    private static List<TallyClient> clients;
    private static TallyClient client;

    @BeforeAll
    static void start() throws SQLException {
        database = TallyServer.sharedDatabase();
        one = TallyServer.shared();
        other = TallyServer.sharedOther();
        clients = List.of(new TallyClient(one.uri()), new TallyClient(other.uri()));
        client = clients.getFirst();
    }

    /** An unused namespace. */
    private static String fresh() {
        return "n" + UUID.randomUUID();
    }

    private static Answer array(TallyClient client, String namespace, List<String> names, String... headers) {
        return client.send("POST", "/v1/names/" + namespace, JSON.writeValueAsString(names), headers);
    }

    private static Answer array(String namespace, String... names) {
        return array(client, namespace, List.of(names));
    }

    private static Answer stream(TallyClient client, String namespace, List<String> names, String... headers) {
        List<String> all = new ArrayList<>(List.of(STREAM));
        all.addAll(List.of(headers));
        return client.send("POST", "/v1/names/" + namespace, lines(names), all.toArray(String[]::new));
    }

    private static String lines(List<String> names) {
        return names.stream().map(name -> JSON.writeValueAsString(name) + "\n").collect(Collectors.joining());
    }

    /** What each item or line was answered. */
    private static List<JsonNode> answers(Answer answer) {
        assertThat(answer.status()).as(answer.body()).isEqualTo(200);
        return answer.header("Content-Type").equals("application/x-ndjson")
                ? answer.body().lines().map(JSON::readTree).toList()
                : List.copyOf(answer.json().asArray().values());
    }

    private static String problem(JsonNode answer) {
        return answer.path("problem").path("type").asString("");
    }

    private static String named(String name, long id, boolean created) {
        return "{\"name\":\"" + name + "\",\"id\":" + id + ",\"created\":" + created + "}";
    }

    /** Adds up what many were told of one namespace, and checks it as it goes. */
    private static final class Told {

        private final Map<String, Long> ids = new HashMap<>();
        private final Set<String> created = new HashSet<>();

        synchronized void add(List<String> asked, List<JsonNode> answers) {
            assertThat(answers).hasSameSizeAs(asked);
            for (int i = 0; i < asked.size(); i++) {
                JsonNode answer = answers.get(i);
                String name = answer.path("name").asString();
                assertThat(name).isEqualTo(asked.get(i));
                long id = answer.path("id").asLong();
                assertThat(ids.merge(name, id, (known, now) -> known)).isEqualTo(id);
                if (answer.path("created").asBoolean()) {
                    assertThat(created.add(name)).as("created once: " + name).isTrue();
                }
            }
        }

        void idsAreDense() {
            assertThat(ids.values())
                    .containsExactlyInAnyOrderElementsOf(
                            LongStream.rangeClosed(1, ids.size()).boxed().toList());
        }
    }

    // ---- who races

    @Test
    void workersThatRaceShareOneIdForEachName() throws Exception {
        String namespace = fresh();
        int workers = 8;
        List<String> pool = IntStream.range(0, 3_000).mapToObj(i -> "name " + i).toList();
        Told told = new Told();
        Clients.atOnce(workers, worker -> {
            TallyClient mine = clients.get(worker % 2);
            Random random = new Random(worker);
            for (int round = 0; round < 6; round++) {
                List<String> asked =
                        random.ints(700, 0, pool.size()).mapToObj(pool::get).toList();
                told.add(
                        asked,
                        answers(round % 2 == 0 ? array(mine, namespace, asked) : stream(mine, namespace, asked)));
            }
            return worker;
        });

        told.idsAreDense();
        assertThat(told.created).isEqualTo(told.ids.keySet());
        assertThat(database.of(namespace).queryLong("select count(*) from name where namespace = ?", namespace))
                .isEqualTo(told.ids.size());
        assertThat(database.of(namespace).queryLong("select last_id from name_space where namespace = ?", namespace))
                .isEqualTo(told.ids.size());
    }

    @Test
    void manyNamespacesAtOnceDoNotWaitForEachOtherInACircle() throws Exception {
        List<String> namespaces = IntStream.range(0, 6).mapToObj(i -> fresh()).toList();
        List<Told> told = namespaces.stream().map(namespace -> new Told()).toList();
        List<String> names = IntStream.range(0, 50).mapToObj(i -> "name " + i).toList();
        Clients.atOnce(16, worker -> {
            List<Integer> order = new ArrayList<>(
                    IntStream.range(0, namespaces.size()).boxed().toList());
            Collections.shuffle(order, new Random(worker));
            order.forEach(i ->
                    told.get(i).add(names, answers(array(clients.get(worker % 2), namespaces.get(i), names))));
            return worker;
        });

        told.forEach(Told::idsAreDense);
        assertThat(told).allSatisfy(each -> assertThat(each.created).hasSize(names.size()));
    }

    // ---- what is answered

    @Test
    void namesAreAnsweredInTheirOrderAndTheirFirstIsCreated() {
        String namespace = fresh();

        assertThat(array(namespace, "b", "a", "b", "c").body())
                .isEqualTo("[" + named("b", 1, true) + "," + named("a", 2, true) + "," + named("b", 1, false) + ","
                        + named("c", 3, true) + "]");
        assertThat(stream(client, namespace, List.of("d", "a", "d", "B")).body())
                .isEqualTo(named("d", 4, true) + "\n" + named("a", 2, false) + "\n" + named("d", 4, false) + "\n"
                        + named("B", 5, true) + "\n");
        assertThat(array(namespace).body()).isEqualTo("[]");
    }

    @Test
    void anyNameHasAnId() {
        String namespace = fresh();
        List<String> names = List.of(
                "\"quotes\\ and back\\slashes\"",
                "a/b%2Fc d?e=f&g#h",
                "na\u00efve \u65e5\u672c\u8a9e \ud83d\ude00",
                "{null,\"x\"}",
                "NULL",
                " ",
                "x".repeat(256),
                "\u65e5".repeat(85));
        Told told = new Told();
        told.add(names, answers(array(client, namespace, names)));
        told.add(names, answers(stream(client, namespace, names)));

        assertThat(told.created).hasSize(names.size());
        for (String name : names) {
            Answer found = client.get("/v1/names/" + namespace + "/" + RequestPath.encode(name));
            assertThat(found.status()).isEqualTo(200);
            assertThat(found.json().path("id").asLong()).isEqualTo(told.ids.get(name));
        }
    }

    @Test
    void foldingComparesWithoutRegardToCase() {
        String namespace = fresh();
        List<String> names = List.of("\u00c9mile", "\u00e9MILE", "\u00e9mile");
        Answer folded = client.send("POST", "/v1/names/" + namespace + "?fold=lower", JSON.writeValueAsString(names));

        assertThat(answers(folded)).allSatisfy(answer -> {
            assertThat(answer.path("id").asLong()).isEqualTo(1);
            assertThat(answer.path("name").asString()).isEqualTo("\u00c9mile");
        });
        assertThat(answers(folded).stream().map(answer -> answer.path("created").asBoolean()))
                .containsExactly(true, false, false);
        String path = "/v1/names/" + namespace + "/" + RequestPath.encode("\u00c9MILE");
        assertThat(client.get(path + "?fold=lower").body()).isEqualTo("{\"name\":\"\u00c9mile\",\"id\":1}");
        assertThat(client.get(path).status()).isEqualTo(404);
        assertThat(client.get(path + "?fold=upper").status()).isEqualTo(400);
        assertThat(client.get(path + "?fold=lower&fold=lower").status()).isEqualTo(400);
    }

    @Test
    void aNameIsFoundByItselfAndByItsId() {
        String namespace = fresh();
        array(namespace, "a", "b");

        assertThat(client.get("/v1/names/" + namespace + "/b").body()).isEqualTo("{\"name\":\"b\",\"id\":2}");
        assertThat(client.get("/v1/names/" + namespace + "?id=1").body()).isEqualTo("{\"name\":\"a\",\"id\":1}");
        for (String absent : List.of("/c", "/B", "?id=3", "?id=9223372036854775807")) {
            Answer answer = client.get("/v1/names/" + namespace + absent);
            assertThat(answer.status()).as(absent).isEqualTo(404);
            assertThat(answer.problem()).isEqualTo("not-found");
        }
        assertThat(client.get("/v1/names/" + fresh() + "/a").status()).isEqualTo(404);
    }

    // ---- what is malformed

    @Test
    void aBadItemFailsNoOther() {
        String namespace = fresh();
        Answer answer = client.send(
                "POST",
                "/v1/names/" + namespace,
                "[\"a\",7,null,\"\",\"a\\u0000\",\"\\ud800\",[\"b\",[]],{\"name\":\"c\"},\"" + "x".repeat(257)
                        + "\",\"d\"]");

        List<JsonNode> answers = answers(answer);
        assertThat(answers).hasSize(10);
        assertThat(answers.getFirst()).hasToString(named("a", 1, true));
        assertThat(answers.getLast()).hasToString(named("d", 2, true));
        assertThat(answers.subList(1, 9))
                .allSatisfy(bad -> assertThat(problem(bad)).isEqualTo("/problems/malformed"));
    }

    @Test
    void aBadLineFailsNoOther() {
        String namespace = fresh();
        String lines = String.join(
                "\n",
                "\"a\"",
                "",
                "  \t\r",
                "a",
                "\"b\" \"c\"",
                "7",
                "\"" + "x".repeat(9_000) + "\"",
                "[\"d\"]",
                "\"e\"");
        List<JsonNode> answers = answers(client.send("POST", "/v1/names/" + namespace, lines, STREAM));

        assertThat(answers).hasSize(7);
        assertThat(answers.getFirst()).hasToString(named("a", 1, true));
        assertThat(answers.getLast()).hasToString(named("e", 2, true));
        assertThat(answers.subList(1, 6).stream().map(NamesIT::problem))
                .containsExactly(
                        "/problems/malformed",
                        "/problems/malformed",
                        "/problems/malformed",
                        "/problems/content-too-large",
                        "/problems/malformed");
    }

    @ParameterizedTest
    @ValueSource(strings = {"{}", "\"a\"", "[", "[\"a\"", "[\"a\",]", "[] []", "null"})
    void whatIsNoArrayIsRefused(String body) {
        Answer answer = client.send("POST", "/v1/names/malformed", body);

        assertThat(answer.status()).isEqualTo(400);
        assertThat(answer.problem()).isEqualTo("malformed");
    }

    @Test
    void otherRequestsAreRefused() {
        String path = "/v1/names/malformed";
        assertThat(client.send("POST", path, "[]", "Content-Type", "text/plain").status())
                .isEqualTo(415);
        assertThat(client.post(path).status()).isEqualTo(400);
        assertThat(client.send("POST", path, "[]", "Accept", "text/html").status())
                .isEqualTo(406);
        assertThat(client.send("POST", path, "[" + " ".repeat(1 << 20) + "]").status())
                .isEqualTo(413);
        assertThat(client.send("POST", path + "?fold=upper", "[]").status()).isEqualTo(400);
        assertThat(client.send("POST", path, "[]", "Idempotency-Key", "a b").status())
                .isEqualTo(400);
        assertThat(client.send("POST", "/v1/names/-bad", "[]").status()).isEqualTo(400);
        assertThat(client.send("DELETE", path, "").status()).isEqualTo(405);
        assertThat(client.post(path + "/a").status()).isEqualTo(405);
        for (String id : List.of("", "?id=", "?id=0", "?id=-1", "?id=1.5", "?id=9223372036854775808", "?id=1&id=2")) {
            assertThat(client.get(path + id).status()).as(id).isEqualTo(400);
        }
        assertThat(client.get("/v1/names/malformed/%00").status()).isEqualTo(400);
    }

    @Test
    void aThousandIsTheMostOfAnArray() throws SQLException {
        String namespace = fresh();
        List<String> names =
                IntStream.range(0, 1_001).mapToObj(Integer::toString).toList();

        assertThat(array(client, namespace, names).status()).isEqualTo(413);
        assertThat(database.of(namespace).queryLong("select count(*) from name where namespace = ?", namespace))
                .isZero();
        assertThat(answers(array(client, namespace, names.subList(1, 1_001)))).hasSize(1_000);
    }

    // ---- keys

    @Test
    void theSameUnderAKeyIsAnsweredTheSame() {
        String namespace = fresh();
        array(namespace, "old");
        List<String> names = List.of("new", "old", "new", "newer");
        Answer first = array(client, namespace, names, "Idempotency-Key", "k");
        Answer again = array(clients.getLast(), namespace, names, "Idempotency-Key", "k");

        assertThat(answers(first).stream().map(answer -> answer.path("created").asBoolean()))
                .containsExactly(true, false, false, true);
        assertThat(again.body()).isEqualTo(first.body());
        // Requests without the key, or with another one, created nothing.
        assertThat(answers(array(client, namespace, names)))
                .allSatisfy(
                        answer -> assertThat(answer.path("created").asBoolean()).isFalse());
        assertThat(answers(array(client, namespace, names, "Idempotency-Key", "l")))
                .allSatisfy(
                        answer -> assertThat(answer.path("created").asBoolean()).isFalse());
        // Something else under the key is carried out like any other request.
        assertThat(answers(array(client, namespace, List.of("newest"), "Idempotency-Key", "k")))
                .singleElement()
                .hasToString(named("newest", 4, true));
    }

    @Test
    void aStreamUnderAKeyIsAnsweredTheSame() {
        String namespace = fresh();
        List<String> names =
                IntStream.range(0, 5_000).mapToObj(i -> "name " + i * 7 % 1_000).toList();
        Answer first = stream(client, namespace, names, "Idempotency-Key", "k");

        assertThat(answers(first).stream()
                        .filter(answer -> answer.path("created").asBoolean()))
                .hasSize(1_000);
        assertThat(stream(clients.getLast(), namespace, names, "Idempotency-Key", "k")
                        .body())
                .isEqualTo(first.body());
    }

    // ---- streams

    @Test
    void aLargeStreamIsAnsweredLineByLine() throws SQLException {
        String namespace = fresh();
        List<String> names = IntStream.range(0, 100_000)
                .mapToObj(i -> "name " + i * 31L % 40_000)
                .toList();
        Told told = new Told();
        told.add(names, answers(stream(client, namespace, names)));

        told.idsAreDense();
        assertThat(told.created).hasSize(40_000);
        assertThat(database.of(namespace).queryLong("select max(id) from name where namespace = ?", namespace))
                .isEqualTo(40_000);
    }

    /** A stream waits for room, where arrays are refused. */
    @Test
    void aStreamWaitsWhereAnArrayIsRefused() throws Exception {
        String namespace = fresh();
        try (TallyServer small = TallyServer.start(
                        database,
                        "tally.pipeline.batch-operations-max",
                        "32",
                        "tally.pipeline.batch-counters-max",
                        "32",
                        "tally.pipeline.queue-operations-max",
                        "64");
                ExecutorService executor = Executors.newVirtualThreadPerTaskExecutor()) {
            TallyClient asking = new TallyClient(small.uri());
            array(asking, namespace, List.of("first"));
            List<String> names =
                    IntStream.range(0, 2_000).mapToObj(i -> "name " + i).toList();
            Future<Answer> upload;
            try (Connection locker = database.of(namespace).connect()) {
                locker.setAutoCommit(false);
                try (Statement lock = locker.createStatement()) {
                    lock.execute("select * from name_space where namespace = '" + namespace + "' for update");
                }
                upload = executor.submit(() -> stream(asking, namespace, names));
                Clients.await("a full queue", Clients.PATIENCE, () -> {
                    Answer answer = array(asking, namespace, List.of("first"));
                    return answer.status() == 503 && answer.problem().equals("overloaded");
                });
                locker.rollback();
            }
            Told told = new Told();
            told.add(names, answers(upload.get()));
            assertThat(told.created).hasSize(names.size());
        }
    }

    /** What came in before the instance stopped is carried out and answered. */
    @Test
    @Tag("one-node") // it looks for the wait on the node of the table
    void anInstanceThatStopsAnswersWhoWaits() throws Exception {
        String namespace = fresh();
        TallyServer stopping = TallyServer.start(database);
        try (ExecutorService executor = Executors.newVirtualThreadPerTaskExecutor();
                Connection locker = database.of(namespace).connect()) {
            TallyClient asking = new TallyClient(stopping.uri());
            array(asking, namespace, List.of("first"));
            locker.setAutoCommit(false);
            try (Statement lock = locker.createStatement()) {
                lock.execute("select * from name_space where namespace = '" + namespace + "' for update");
            }
            Future<Answer> waiting = executor.submit(() -> array(asking, namespace, List.of("first", "late")));
            Clients.await("a wait for the lock", Clients.PATIENCE, NamesIT::isSomebodyLocked);
            Future<?> closed = executor.submit(stopping::close);
            locker.rollback();

            assertThat(waiting.get().body())
                    .isEqualTo("[" + named("first", 1, false) + "," + named("late", 2, true) + "]");
            closed.get();
        } finally {
            stopping.close();
        }
    }

    private static boolean isSomebodyLocked() {
        try {
            return database.queryLong("select count(*) from pg_stat_activity where datname = current_database()"
                            + " and wait_event_type = 'Lock' and query like '%insert into name_space%'")
                    > 0;
        } catch (SQLException e) {
            throw new IllegalStateException(e);
        }
    }

    // ---- what others do to the database

    @Test
    void aRuleOfOthersRefusesOneNameOnly() throws SQLException {
        Database ruled = Postgres.shared().createDatabase();
        try (TallyServer server = TallyServer.start(ruled)) {
            ruled.of("ruled").execute("alter table name add constraint decent check (name <> 'rude')");
            List<JsonNode> answers =
                    answers(array(new TallyClient(server.uri()), "ruled", List.of("a", "rude", "b", "c")));

            assertThat(problem(answers.get(1))).isEqualTo("/problems/constraint-violated");
            answers = Stream.concat(answers.subList(0, 1).stream(), answers.subList(2, 4).stream())
                    .toList();
            assertThat(answers.stream().map(answer -> answer.path("id").asLong()))
                    .containsExactly(1L, 2L, 3L);
        }
    }

    @Test
    void namesAreCounted() {
        array(fresh(), "a", "b");

        assertThat(new TallyClient(one.managementUri())
                        .get("/actuator/prometheus")
                        .body())
                .containsPattern("tally_operations_total\\{kind=\"name\",outcome=\"applied\"\\} [1-9]");
    }
}
