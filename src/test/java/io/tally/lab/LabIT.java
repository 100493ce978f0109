package io.tally.lab;

import static org.assertj.core.api.Assertions.assertThat;

import io.tally.testing.Clients;
import io.tally.testing.Database;
import io.tally.testing.Postgres;
import io.tally.testing.TallyClient;
import io.tally.testing.TallyClient.Answer;
import io.tally.testing.TallyServer;
import java.sql.SQLException;
import java.time.Duration;
import java.util.Arrays;
import java.util.EnumSet;
import java.util.List;
import java.util.Set;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/** What each way to count loses, doubles or costs, as a user of the lab sees it. */
@Timeout(600)
class LabIT {

    private static final String RUNS = "/v1/lab/runs";
    private static final JsonMapper JSON = new JsonMapper();
    private static final Duration PATIENCE = Duration.ofMinutes(5);
    private static final Set<String> ENDS = Set.of("done", "failed", "cancelled");
    private static final Set<Strategy> UNSAFE =
            EnumSet.of(Strategy.READ_MODIFY_WRITE, Strategy.GET_OR_CREATE_UNCONSTRAINED);

    private static Database database;
    private static TallyServer server;
    private static TallyClient client;

    @BeforeAll
    static void start() throws SQLException {
        database = Postgres.shared().createDatabase();
        server = TallyServer.start(
                database,
                "tally.lab.enabled",
                "true",
                "tally.lab.increments-max",
                "1000000",
                // Longer than anything is waited for: no run ends by it.
                "tally.lab.run-max",
                "10m");
        client = new TallyClient(server.uri());
    }

    @AfterAll
    static void stop() {
        server.close();
    }

    @AfterEach
    void leavesNothingBehind() throws Exception {
        for (JsonNode run : client.get(RUNS).json().path("items")) {
            client.send("DELETE", RUNS + "/" + run.path("id").asString(), "");
        }
        Clients.await("the end of all runs", PATIENCE, () -> haveAllEnded(client.get(RUNS)));
        requireNothingLeft(database);
        client.requireBalancedBooks();
    }

    static void requireNothingLeft(Database database) throws SQLException, InterruptedException {
        assertThat(database.queryLong("select count(*) from pg_namespace where nspname = 'lab'"))
                .isZero();
        assertThat(database.sum("select count(*) from counter")).isZero();
        // The server takes a moment to end a session that was closed.
        Clients.await("no workers", PATIENCE, () -> workers(database) == 0);
    }

    static long workers(Database database) {
        try {
            return database.queryLong("select count(*) from pg_stat_activity"
                    + " where application_name = 'tally-lab' and datname = current_database()");
        } catch (SQLException e) {
            throw new IllegalStateException(e);
        }
    }

    private static boolean haveAllEnded(Answer runs) {
        return runs.status() == 200 && runs.json().path("items").valueStream().allMatch(LabIT::hasEnded);
    }

    private static boolean hasEnded(JsonNode run) {
        return ENDS.contains(run.path("state").asString());
    }

    private static String body(Strategy strategy, Isolation isolation, int increments, int counters) {
        return "{\"strategy\":\"%s\",\"isolation\":\"%s\",\"workers\":16,\"increments\":%d,\"counters\":%d}"
                .formatted(strategy.label(), isolation.label(), increments, counters);
    }

    private static String started(String body) {
        Answer answer = client.send("POST", RUNS, body);
        assertThat(answer.status()).as(answer.body()).isEqualTo(202);
        return answer.header("Location");
    }

    private static JsonNode ended(String run) throws InterruptedException {
        return ended(client, run);
    }

    static JsonNode ended(TallyClient client, String run) throws InterruptedException {
        Clients.await(
                "the end of " + run, PATIENCE, () -> hasEnded(client.get(run).json()));
        return client.get(run).json();
    }

    /** The result of a completed run, after the checks for every run. */
    private static JsonNode result(Strategy strategy, Isolation isolation, int increments, int counters)
            throws InterruptedException {
        JsonNode run = ended(started(body(strategy, isolation, increments, counters)));
        assertThat(run.path("state").asString()).as(run.toString()).isEqualTo("done");
        assertThat(run.path("done").asLong()).isEqualTo(increments);
        JsonNode result = run.path("result");
        long acknowledged = result.path("acknowledged").asLong();
        assertThat(acknowledged).isPositive();
        assertThat(acknowledged + result.path("errors").asLong()).isEqualTo(increments);
        assertThat(result.path("lost").asLong())
                .isEqualTo(acknowledged - result.path("stored").asLong());
        assertThat(result.path("seconds").asDouble()).isPositive();
        assertThat(result.path("perSecond").asDouble()).isPositive();
        assertThat(result.path("p50Ms").asDouble()).isPositive();
        assertThat(result.path("p99Ms").asDouble())
                .isGreaterThanOrEqualTo(result.path("p50Ms").asDouble());
        assertThat(result.path("timedOut").asBoolean()).isFalse();
        return result;
    }

    // ---- what each loses

    @Test
    void readModifyWriteLosesUpdates() throws Exception {
        JsonNode result = result(Strategy.READ_MODIFY_WRITE, Isolation.READ_COMMITTED, 2_000, 1);
        assertThat(result.path("lost").asLong()).as(result.toString()).isPositive();
        assertThat(result.path("errors").asLong()).isZero();
    }

    @ParameterizedTest
    @EnumSource(
            value = Isolation.class,
            names = {"REPEATABLE_READ", "SERIALIZABLE"})
    void readModifyWriteIsRefusedWhereItWouldLose(Isolation isolation) throws Exception {
        JsonNode result = result(Strategy.READ_MODIFY_WRITE, isolation, 2_000, 1);
        assertThat(result.path("lost").asLong()).as(result.toString()).isZero();
        assertThat(result.path("errors").asLong()).isPositive();
    }

    @ParameterizedTest
    @EnumSource(
            value = Isolation.class,
            names = {"READ_COMMITTED", "REPEATABLE_READ"})
    void getOrCreateWithoutConstraintMakesRowsTwice(Isolation isolation) throws Exception {
        JsonNode result = result(Strategy.GET_OR_CREATE_UNCONSTRAINED, isolation, 2_000, 50);
        assertThat(result.path("duplicateRows").asLong()).as(result.toString()).isPositive();
        // Later reads find two rows instead of one.
        assertThat(result.path("errors").asLong()).isPositive();
    }

    @Test
    void getOrCreateWithoutConstraintIsRefusedWhereItWouldDouble() throws Exception {
        JsonNode result = result(Strategy.GET_OR_CREATE_UNCONSTRAINED, Isolation.SERIALIZABLE, 2_000, 50);
        assertThat(result.path("duplicateRows").asLong()).as(result.toString()).isZero();
        assertThat(result.path("lost").asLong()).isZero();
        assertThat(result.path("errors").asLong()).isPositive();
    }

    static Stream<Arguments> safe() {
        return EnumSet.complementOf(EnumSet.copyOf(UNSAFE)).stream()
                .flatMap(strategy ->
                        Arrays.stream(Isolation.values()).map(isolation -> Arguments.of(strategy, isolation)));
    }

    @ParameterizedTest
    @EnumSource(
            mode = EnumSource.Mode.EXCLUDE,
            names = {"READ_MODIFY_WRITE", "GET_OR_CREATE_UNCONSTRAINED"})
    void theOthersDoNotLose(Strategy strategy) throws Exception {
        requireNothingLost(strategy, Isolation.READ_COMMITTED, /* increments= */ 200);
    }

    @ParameterizedTest
    @Tag("faults")
    @MethodSource("safe")
    void theOthersNeverLose(Strategy strategy, Isolation isolation) throws Exception {
        requireNothingLost(strategy, isolation, /* increments= */ 1_000);
    }

    private static void requireNothingLost(Strategy strategy, Isolation isolation, int increments) throws Exception {
        for (int counters : new int[] {1, 20}) {
            JsonNode result = result(strategy, isolation, increments, counters);
            assertThat(result.path("lost").asLong()).as(result.toString()).isZero();
            assertThat(result.path("duplicateRows").asLong()).isZero();
        }
    }

    static Stream<Arguments> refusedNothing() {
        return Stream.concat(
                Stream.of(Strategy.ROW_LOCK, Strategy.ATOMIC, Strategy.UPSERT)
                        .map(strategy -> Arguments.of(strategy, Isolation.READ_COMMITTED)),
                Stream.of(Strategy.TABLE_LOCK, Strategy.LANES)
                        .flatMap(strategy ->
                                Arrays.stream(Isolation.values()).map(isolation -> Arguments.of(strategy, isolation))));
    }

    @ParameterizedTest
    @Tag("faults")
    @MethodSource("refusedNothing")
    void theseAcknowledgeAll(Strategy strategy, Isolation isolation) throws Exception {
        JsonNode result = result(strategy, isolation, 1_000, 1);
        assertThat(result.path("stored").asLong()).as(result.toString()).isEqualTo(1_000);
    }

    /** A refusal is an answer, and no retry is made that the strategy does not have. */
    @ParameterizedTest
    @EnumSource(
            value = Strategy.class,
            names = {"ROW_LOCK", "ATOMIC", "UPSERT"})
    void withoutRetriesRefusalsAreErrors(Strategy strategy) throws Exception {
        JsonNode result = result(strategy, Isolation.REPEATABLE_READ, 2_000, 1);
        assertThat(result.path("errors").asLong()).as(result.toString()).isPositive();
        assertThat(result.path("retries").asLong()).isZero();
    }

    @ParameterizedTest
    @EnumSource(
            value = Strategy.class,
            names = {"OPTIMISTIC", "SERIALIZABLE"})
    void withRetriesRefusalsAreRetries(Strategy strategy) throws Exception {
        JsonNode result = result(strategy, Isolation.READ_COMMITTED, 200, 1);
        assertThat(result.path("retries").asLong()).as(result.toString()).isGreaterThan(20);
    }

    @ParameterizedTest
    @Tag("faults")
    @EnumSource(
            value = Strategy.class,
            names = {"OPTIMISTIC", "SERIALIZABLE"})
    void withRetriesRefusalsAreRetriesAtEachLevel(Strategy strategy) throws Exception {
        for (Isolation isolation : Isolation.values()) {
            JsonNode result = result(strategy, isolation, 1_000, 1);
            assertThat(result.path("retries").asLong()).as(result.toString()).isGreaterThan(100);
        }
    }

    /** What the sessions of those who count are set to, as the table sees it at each change. */
    @Test
    @Tag("four-shards")
    void theyCountAtTheLevelAskedForAndDurably() throws Exception {
        requireLevelAndDurability(Isolation.REPEATABLE_READ);
    }

    @Test
    @Tag("faults")
    void theyCountAtEachLevelAndDurably() throws Exception {
        requireLevelAndDurability(Isolation.values());
    }

    private static void requireLevelAndDurability(Isolation... isolations) throws Exception {
        Database spied = Postgres.shared().createDatabase();
        try (TallyServer spiedOn = TallyServer.start(spied, "tally.lab.enabled", "true")) {
            spyOnPosts(spied);
            TallyClient asking = new TallyClient(spiedOn.uri());
            for (Strategy strategy : EnumSet.complementOf(EnumSet.of(Strategy.LANES))) {
                for (Isolation isolation : isolations) {
                    ended(
                            asking,
                            asking.send("POST", RUNS, body(strategy, isolation, 20, 1))
                                    .header("Location"));
                    String level = strategy == Strategy.SERIALIZABLE ? "serializable" : isolation.sql();
                    assertThat(spied.queryString(
                                    "select string_agg(distinct isolation || ', ' || durable, '; ') from seen"))
                            .as(strategy + " " + isolation)
                            .isEqualTo(level + ", on");
                    spied.execute("truncate seen");
                }
            }
        }
    }

    private static void spyOnPosts(Database spied) throws SQLException {
        for (String statement : List.of(
                "create table public.seen (isolation text, durable text)",
                "create function public.note() returns trigger as $$ begin insert into public.seen values ("
                        + "current_setting('transaction_isolation'), current_setting('synchronous_commit'));"
                        + " return new; end $$ language plpgsql",
                "create function public.spy() returns event_trigger as $$ begin"
                        + " if to_regclass('lab.post') is not null then"
                        + " create or replace trigger note after insert or update on lab.post for each row"
                        + " when (new.likes > 0) execute function public.note(); end if; end $$ language plpgsql",
                "create event trigger spy on ddl_command_end when tag in ('CREATE TABLE')"
                        + " execute function public.spy()",
                "do $$ begin execute format('alter database %I set synchronous_commit = off', current_database());"
                        + " end $$")) {
            spied.execute(statement);
        }
    }

    // ---- the metrics

    @Test
    void exportsWhatWasLost() throws Exception {
        double before = metric("tally_lab_lost_updates_total", Strategy.READ_MODIFY_WRITE);
        double operations = metric("tally_lab_operations_total", Strategy.READ_MODIFY_WRITE);
        JsonNode result = result(Strategy.READ_MODIFY_WRITE, Isolation.READ_COMMITTED, 2_000, 1);
        requireGrowth("tally_lab_lost_updates_total", Strategy.READ_MODIFY_WRITE, before, result.path("lost"));
        requireGrowth(
                "tally_lab_operations_total", Strategy.READ_MODIFY_WRITE, operations, result.path("acknowledged"));
        assertThat(metric("tally_lab_lost_updates_total", Strategy.LANES)).isZero();

        double rows = metric("tally_lab_duplicate_rows_total", Strategy.GET_OR_CREATE_UNCONSTRAINED);
        double errors = metric("tally_lab_errors_total", Strategy.GET_OR_CREATE_UNCONSTRAINED);
        JsonNode doubled = result(Strategy.GET_OR_CREATE_UNCONSTRAINED, Isolation.READ_COMMITTED, 500, 20);
        requireGrowth(
                "tally_lab_duplicate_rows_total",
                Strategy.GET_OR_CREATE_UNCONSTRAINED,
                rows,
                doubled.path("duplicateRows"));
        requireGrowth("tally_lab_errors_total", Strategy.GET_OR_CREATE_UNCONSTRAINED, errors, doubled.path("errors"));

        double retries = metric("tally_lab_retries_total", Strategy.OPTIMISTIC);
        JsonNode retried = result(Strategy.OPTIMISTIC, Isolation.READ_COMMITTED, 500, 1);
        requireGrowth("tally_lab_retries_total", Strategy.OPTIMISTIC, retries, retried.path("retries"));
    }

    /** A run has ended a moment before it is counted. */
    private static void requireGrowth(String name, Strategy strategy, double before, JsonNode growth)
            throws InterruptedException {
        double expected = growth.asDouble();
        Clients.await(name, PATIENCE, () -> metric(name, strategy) - before >= expected);
        assertThat(metric(name, strategy) - before).as(name).isEqualTo(expected);
    }

    private static double metric(String name, Strategy strategy) {
        String labels = "{isolation=\"read-committed\",strategy=\"" + strategy.label() + "\"} ";
        List<Double> found = new TallyClient(server.managementUri())
                .get("/actuator/prometheus")
                .body()
                .lines()
                .filter(line -> line.startsWith(name + labels))
                .map(line -> Double.valueOf(line.substring(line.lastIndexOf(' '))))
                .toList();
        assertThat(found).as(name + labels).hasSize(1);
        return found.getFirst();
    }

    // ---- asking

    @Test
    void whatIsLeftOutIsSixteenWorkersOnOneCounter() throws Exception {
        JsonNode run = ended(started("{\"strategy\":\"lanes\"}"));
        assertThat(run.path("isolation").asString()).isEqualTo("read-committed");
        assertThat(run.path("workers").asInt()).isEqualTo(16);
        assertThat(run.path("increments").asInt()).isEqualTo(10_000);
        assertThat(run.path("counters").asInt()).isEqualTo(1);
        assertThat(run.path("result").path("stored").asInt()).isEqualTo(10_000);
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "",
                "[]",
                "{}",
                "null",
                "{\"strategy\":null}",
                "{\"strategy\":7}",
                "{\"strategy\":\"ATOMIC\"}",
                "{\"strategy\":\"advisory\"}",
                "{\"strategy\":\"atomic\",\"isolation\":\"read-uncommitted\"}",
                "{\"strategy\":\"atomic\",\"isolation\":null}",
                "{\"strategy\":\"atomic\",\"workers\":0}",
                "{\"strategy\":\"atomic\",\"workers\":65}",
                "{\"strategy\":\"atomic\",\"workers\":1.5}",
                "{\"strategy\":\"atomic\",\"workers\":\"4\"}",
                "{\"strategy\":\"atomic\",\"workers\":4294967297}",
                "{\"strategy\":\"atomic\",\"increments\":0}",
                "{\"strategy\":\"atomic\",\"increments\":-1}",
                "{\"strategy\":\"atomic\",\"increments\":1000001}",
                "{\"strategy\":\"atomic\",\"counters\":0}",
                "{\"strategy\":\"atomic\",\"counters\":10001}",
                "{\"strategy\":\"atomic\",\"counters\":9223372036854775808}",
                "{\"strategy\":\"atomic\",\"speed\":1}",
                "{\"strategy\":\"atomic\",\"strategy\":\"upsert\"}",
                "{\"strategy\":\"atomic\"",
            })
    void whatMakesNoSenseIsAProblem(String body) {
        int runs = client.get(RUNS).json().path("items").size();
        Answer answer = client.send("POST", RUNS, body);
        assertThat(answer.status()).as(answer.body()).isEqualTo(400);
        assertThat(answer.problem()).isEqualTo("malformed");
        assertThat(client.get(RUNS).json().path("items").size()).isEqualTo(runs);
    }

    @Test
    void namesTheStrategiesThereAre() {
        String detail = client.send("POST", RUNS, "{\"strategy\":\"advisory\"}")
                .json()
                .path("detail")
                .asString();
        assertThat(Strategy.values()).allSatisfy(strategy -> assertThat(detail).contains(strategy.label()));
    }

    @Test
    void methodsAndPaths() {
        assertThat(client.send("PUT", RUNS, "{}").header("Allow")).isEqualTo("POST,GET,HEAD,OPTIONS");
        for (String path : List.of("/0", "/00000000-0000-0000-0000-000000000000")) {
            for (String method : List.of("GET", "DELETE")) {
                Answer answer = client.send(method, RUNS + path, "");
                assertThat(answer.status()).as(answer.body()).isEqualTo(404);
                assertThat(answer.problem()).isEqualTo("not-found");
            }
        }
        assertThat(client.send("POST", RUNS, body(Strategy.ATOMIC, Isolation.SERIALIZABLE, 1, 1), "If-Match", "*")
                        .status())
                .isEqualTo(412);
    }

    @Test
    @Tag("four-shards")
    void listsTheLatestFirst() throws Exception {
        String first = started(body(Strategy.ATOMIC, Isolation.READ_COMMITTED, 1, 1));
        JsonNode one = ended(first);
        JsonNode other = ended(started(body(Strategy.UPSERT, Isolation.READ_COMMITTED, 1, 1)));
        JsonNode list = client.get(RUNS).json();
        assertThat(list.path("items").get(0)).isEqualTo(other);
        assertThat(list.path("items").get(1)).isEqualTo(one);
        assertThat(list.path("next").isNull()).isTrue();
    }

    @Test
    void keepsTheLastHundred() throws Exception {
        database.first()
                .execute("insert into lab_run (strategy, isolation, workers, increments, counters, state, started_at)"
                        + " select 'atomic', 'read-committed', 1, 1, 1, 'cancelled', now() - n * interval '1 minute'"
                        + " from generate_series(1, 200) n");
        JsonNode last = ended(started(body(Strategy.ATOMIC, Isolation.READ_COMMITTED, 1, 1)));
        assertThat(client.get(RUNS).json().path("items")).hasSize(100).contains(last);
        assertThat(database.first().queryLong("select count(*) from lab_run")).isEqualTo(100);
        database.first().execute("delete from lab_run");
    }

    // ---- one at a time

    /** One that goes on until it is stopped. */
    private static String endless() {
        return body(Strategy.ATOMIC, Isolation.READ_COMMITTED, 1_000_000, 1);
    }

    @Test
    void oneAtATimeAndItCanBeStopped() throws Exception {
        String run = started(endless());
        Clients.await(
                "progress", PATIENCE, () -> client.get(run).json().path("done").asLong() > 0);
        assertThat(workers(database)).isEqualTo(16);

        Answer busy = client.send("POST", RUNS, endless());
        assertThat(busy.status()).isEqualTo(409);
        assertThat(busy.problem()).isEqualTo("lab-busy");
        assertThat(busy.header("Location")).isEqualTo(run);

        Answer stopping = client.send("DELETE", run, "");
        assertThat(stopping.status()).isEqualTo(202);
        assertThat(stopping.json().path("stopping").asBoolean()).isTrue();
        JsonNode stopped = ended(run);
        assertThat(stopped.path("state").asString()).isEqualTo("cancelled");
        assertThat(stopped.path("result").isNull()).isTrue();
        assertThat(stopped.path("stopping").asBoolean()).isFalse();
        assertThat(stopped.path("finishedAt").asString()).isNotEmpty();

        Answer again = client.send("DELETE", run, "");
        assertThat(again.status()).isEqualTo(200);
        assertThat(again.json()).isEqualTo(stopped);
        ended(started(body(Strategy.ATOMIC, Isolation.READ_COMMITTED, 1, 1)));
    }

    @Test
    void ofManyWhoAskAtOnceOneIsServed() throws Exception {
        List<Integer> told =
                Clients.atOnce(8, asker -> client.send("POST", RUNS, endless()).status());
        assertThat(told).containsOnlyOnce(202).contains(409).containsOnly(202, 409);
    }

    @Test
    @Tag("four-shards")
    void aKeyStartsOneRun() throws Exception {
        String body = body(Strategy.ATOMIC, Isolation.READ_COMMITTED, 10, 1);
        Answer first = client.send("POST", RUNS, body, "Idempotency-Key", "lab-1");
        assertThat(first.status()).isEqualTo(202);
        ended(first.header("Location"));
        Answer again = client.send("POST", RUNS, body, "Idempotency-Key", "lab-1");
        assertThat(again.status()).isEqualTo(202);
        assertThat(again.header("Idempotency-Replayed")).isEqualTo("true");
        assertThat(again.header("Location")).isEqualTo(first.header("Location"));
        assertThat(again.body()).isEqualTo(first.body());
        Answer other = client.send(
                "POST", RUNS, body(Strategy.UPSERT, Isolation.READ_COMMITTED, 10, 1), "Idempotency-Key", "lab-1");
        assertThat(other.status()).isEqualTo(422);
    }

    @Test
    @Tag("four-shards")
    void aStreamShowsProgressUntilItIsDone() throws Exception {
        String run = started(body(Strategy.ROW_LOCK, Isolation.READ_COMMITTED, 5_000, 1));
        List<JsonNode> events = client.get(run, "Accept", "text/event-stream")
                .body()
                .lines()
                .filter(line -> line.startsWith("data:"))
                .map(line -> JSON.readTree(line.substring("data:".length())))
                .toList();
        assertThat(events).hasSizeGreaterThan(1);
        assertThat(events.getFirst().path("state").asString()).isEqualTo("running");
        assertThat(events.stream().map(event -> event.path("done").asLong())).isSorted();
        assertThat(events.getLast()).isEqualTo(client.get(run).json());
        assertThat(events.getLast().path("result").path("stored").asLong()).isEqualTo(5_000);
    }
}
