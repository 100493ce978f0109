package io.tally.name;

import static org.assertj.core.api.Assertions.assertThat;

import io.tally.testing.Clients;
import io.tally.testing.Database;
import io.tally.testing.Postgres;
import io.tally.testing.TallyClient;
import io.tally.testing.TallyClient.Answer;
import io.tally.testing.TallyServer;
import io.tally.testing.WireProxy;
import io.tally.testing.WireProxy.Cut;
import java.net.URI;
import java.sql.SQLException;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.UUID;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Predicate;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import java.util.stream.LongStream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/** Names while the way to the database breaks in the middle of what makes them. */
@Timeout(300)
class NameFaultsIT {

    private static final JsonMapper JSON = new JsonMapper();
    private static final String COMMIT = "COMMIT";

    private static Database database;
    private static WireProxy proxy;
    private static TallyServer server;
    private static TallyServer patient;
    private static TallyServer other;
    private static TallyClient client;

    /** An unused namespace. */
    private final String namespace = "faults-" + UUID.randomUUID();

    private final String path = "/v1/names/" + namespace;

    @BeforeAll
    static void start() throws SQLException {
        database = Postgres.shared().createDatabase();
        URI address = URI.create(database.url());
        proxy = new WireProxy(address.getHost(), address.getPort());
        server = TallyServer.start(
                proxy.through(database),
                "tally.database.connect-timeout",
                "1s",
                "tally.pipeline.wait-max",
                "2s",
                "tally.pipeline.outcome-max",
                "4s");
        patient = TallyServer.start(
                proxy.through(database),
                "tally.database.connect-timeout",
                "10s",
                "tally.pipeline.wait-max",
                "20s",
                "tally.pipeline.outcome-max",
                "60s",
                "tally.pipeline.drain-max",
                "60s");
        other = TallyServer.start(database);
        client = new TallyClient(server.uri());
    }

    @AfterEach
    void mend() {
        proxy.cutNothing();
        proxy.admit();
    }

    @AfterAll
    static void stop() {
        server.close();
        patient.close();
        other.close();
        proxy.close();
    }

    private Answer post(TallyClient client, List<String> names, String... headers) {
        return client.send("POST", path, JSON.writeValueAsString(names), headers);
    }

    private Answer stream(TallyClient client, List<String> names) {
        String lines =
                names.stream().map(name -> JSON.writeValueAsString(name) + "\n").collect(Collectors.joining());
        return client.send("POST", path, lines, "Content-Type", "application/x-ndjson");
    }

    private long count() throws SQLException {
        return database.of(namespace).queryLong("select count(*) from name where namespace = ?", namespace);
    }

    private long lastId() throws SQLException {
        return database.of(namespace).queryLong("select last_id from name_space where namespace = ?", namespace);
    }

    private static List<Boolean> created(Answer answer) {
        assertThat(answer.status()).as(answer.body()).isEqualTo(200);
        return answer.json().asArray().values().stream()
                .map(item -> item.path("created").asBoolean())
                .toList();
    }

    /** In the middle of the commit: each name is still said once to be new. */
    @Test
    void namesAreMadeOnceThoughAnswersAreLost() throws Exception {
        makeNames(/* cutsMin= */ 5, Cut.AFTER_COMMIT, COMMIT);
    }

    /** The same, and before the commit, and while the rows are written. */
    @ParameterizedTest
    @Tag("faults")
    @CsvSource({
        "AFTER_COMMIT,COMMIT",
        "IN_FLIGHT,COMMIT",
        "IN_FLIGHT,insert into name ",
        "IN_FLIGHT,insert into name_space"
    })
    void namesAreMadeOnceWhereverConnectionsAreCut(Cut cut, String sql) throws Exception {
        makeNames(/* cutsMin= */ 40, cut, sql);
    }

    private void makeNames(int cutsMin, Cut cut, String sql) throws Exception {
        int cutsBefore = proxy.cuts();
        proxy.cutRandomly(0.3, /* seed= */ 7, cut, text -> text.contains(sql));
        Map<String, Long> ids = new HashMap<>();
        Set<String> created = new HashSet<>();
        AtomicInteger next = new AtomicInteger();
        TallyClient shaken = new TallyClient(patient.uri());
        TallyClient steady = new TallyClient(other.uri());
        Clients.atOnce(6, worker -> {
            // All go through the same names at about the same time; one in three on the way that is never cut.
            TallyClient mine = worker % 3 == 0 ? steady : shaken;
            while (proxy.cuts() - cutsBefore < cutsMin) {
                int from = 5 * next.getAndIncrement() / 2;
                List<String> names = IntStream.range(from, from + 20)
                        .mapToObj(i -> "name " + i)
                        .toList();
                note(ids, created, worker % 2 == 0 ? post(mine, names) : stream(mine, names));
            }
            return worker;
        });

        assertThat(created).isEqualTo(ids.keySet());
        assertThat(ids.values())
                .containsExactlyInAnyOrderElementsOf(
                        LongStream.rangeClosed(1, ids.size()).boxed().toList());
        assertThat(count()).isEqualTo(ids.size());
        assertThat(lastId()).isEqualTo(ids.size());
    }

    private static void note(Map<String, Long> ids, Set<String> created, Answer answer) {
        assertThat(answer.status()).as(answer.body()).isEqualTo(200);
        synchronized (ids) {
            for (JsonNode item : items(answer)) {
                assertThat(item.path("problem")).isEmpty();
                String name = item.path("name").asString();
                long id = item.path("id").asLong();
                assertThat(ids.merge(name, id, (known, now) -> known)).isEqualTo(id);
                if (item.path("created").asBoolean()) {
                    assertThat(created.add(name)).as("created once: " + name).isTrue();
                }
            }
        }
    }

    private static List<JsonNode> items(Answer answer) {
        return answer.body().startsWith("[")
                ? List.copyOf(answer.json().asArray().values())
                : answer.body().lines().map(JSON::readTree).toList();
    }

    /** Cuts the answer to the next commit, and everything after it. */
    private void loseTheDatabaseAtTheNextCommit() {
        AtomicBoolean lost = new AtomicBoolean();
        Predicate<String> sql = text -> {
            if (text.equals(COMMIT)) {
                proxy.refuse();
                lost.set(true);
            }
            return lost.get();
        };
        proxy.cutRandomly(1, /* seed= */ 1, Cut.AFTER_COMMIT, sql);
    }

    @Test
    void whatMayHaveBeenMadeIsSaidToBeUnknownAndAKeyTellsLater() throws Exception {
        created(post(client, List.of("first")));
        loseTheDatabaseAtTheNextCommit();
        Answer unknown = post(client, List.of("a", "b"), "Idempotency-Key", "k");

        assertThat(unknown.status()).isEqualTo(503);
        assertThat(unknown.problem()).isEqualTo("outcome-unknown");
        assertThat(unknown.header("Retry-After")).isNotEmpty();
        assertThat(count()).isEqualTo(3);
        // Another client does not get "created"; a retry with the key does, on every instance.
        assertThat(created(post(new TallyClient(other.uri()), List.of("a", "b"))))
                .containsExactly(false, false);
        assertThat(created(post(new TallyClient(other.uri()), List.of("a", "b"), "Idempotency-Key", "k")))
                .containsExactly(true, true);
        proxy.cutNothing();
        proxy.admit();
        assertThat(created(post(client, List.of("a", "b"), "Idempotency-Key", "k")))
                .containsExactly(true, true);
    }

    @Test
    void nothingIsMadeWhileTheDatabaseIsAway() throws Exception {
        created(post(client, List.of("first")));
        proxy.refuse();
        proxy.cutAll();
        Answer refused = post(client, List.of("first", "a"));

        assertThat(refused.status()).isEqualTo(503);
        assertThat(refused.problem()).isEqualTo("store-unavailable");
        assertThat(client.get(path + "/first").problem()).isEqualTo("store-unavailable");
        Answer lines = client.send("POST", path, "\"first\"\n7\n", "Content-Type", "application/x-ndjson");
        assertThat(lines.status()).isEqualTo(200);
        assertThat(lines.body()
                        .lines()
                        .map(line ->
                                JSON.readTree(line).path("problem").path("type").asString()))
                .containsExactly("/problems/store-unavailable", "/problems/malformed");
        proxy.admit();
        Clients.await(
                "names again",
                Clients.PATIENCE,
                () -> client.get(path + "/first").status() == 200);
        assertThat(created(post(client, List.of("first", "a")))).containsExactly(false, true);
        assertThat(lastId()).isEqualTo(2);
    }
}
