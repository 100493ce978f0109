package io.tally.lab;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowable;

import io.tally.testing.Clients;
import io.tally.testing.Database;
import io.tally.testing.EmbeddedPostgres;
import io.tally.testing.Postgres;
import io.tally.testing.TallyClient;
import io.tally.testing.TallyClient.Answer;
import io.tally.testing.TallyProcess;
import io.tally.testing.TallyServer;
import java.net.URI;
import java.sql.Connection;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import tools.jackson.databind.JsonNode;

/**
 * The lab where something is in its way, or goes away: it says so, and leaves nothing behind but what is not its own.
 */
@Tag("one-shard") // The lab works in the first shard.
@Timeout(600)
class LabFaultsIT {

    private static final String RUNS = "/v1/lab/runs";
    private static final String ENABLED = "tally.lab.enabled";
    private static final String RUN_MAX = "tally.lab.run-max";
    private static final Duration PATIENCE = Duration.ofMinutes(3);

    private static Database database() throws SQLException {
        return Postgres.shared().createDatabase();
    }

    /** One with the lab, where no run ends by its limit of time unless the settings say so. */
    private static TallyServer lab(Database database, String... settings) {
        List<String> all = new ArrayList<>(List.of(ENABLED, "true", RUN_MAX, "10m"));
        all.addAll(List.of(settings));
        return TallyServer.start(database, all.toArray(String[]::new));
    }

    private static String started(TallyClient client, String body) {
        Answer started = client.send("POST", RUNS, body);
        assertThat(started.status()).as(started.body()).isEqualTo(202);
        return started.header("Location");
    }

    /** Starts a run that does not end by itself soon, and waits until it counts. */
    private static String counting(TallyClient client, Strategy strategy) throws InterruptedException {
        String run = started(client, "{\"strategy\":\"%s\",\"increments\":1000000}".formatted(strategy.label()));
        Clients.await(
                "progress", PATIENCE, () -> client.get(run).json().path("done").asLong() > 0);
        return run;
    }

    private static JsonNode failed(TallyClient client, String run) throws InterruptedException {
        JsonNode ended = LabIT.ended(client, run);
        assertThat(ended.path("state").asString()).as(ended.toString()).isEqualTo("failed");
        assertThat(ended.path("result").isNull()).isTrue();
        return ended;
    }

    private static void requireWorks(TallyClient client) throws InterruptedException {
        JsonNode ended = LabIT.ended(client, started(client, "{\"strategy\":\"atomic\",\"increments\":100}"));
        assertThat(ended.path("result").path("stored").asLong())
                .as(ended.toString())
                .isEqualTo(100);
    }

    // ---- off

    @Test
    void isNotThereUnlessItIsEnabled() throws Exception {
        try (TallyServer server = TallyServer.start(database())) {
            TallyClient client = new TallyClient(server.uri());
            for (Answer answer : List.of(
                    client.send("POST", RUNS, "{\"strategy\":\"atomic\"}"),
                    client.get(RUNS),
                    client.get(RUNS + "/00000000-0000-0000-0000-000000000000"))) {
                assertThat(answer.status()).isEqualTo(404);
                assertThat(answer.problem()).isEqualTo("not-found");
            }
            assertThat(new TallyClient(server.managementUri())
                            .get("/actuator/prometheus")
                            .body())
                    .doesNotContain("tally_lab");
        }
    }

    // ---- limits

    @Test
    void theLimitOfTimeEndsARunWithWhatItHas() throws Exception {
        Database database = database();
        try (TallyServer server = lab(database, RUN_MAX, "1s")) {
            TallyClient client = new TallyClient(server.uri());
            JsonNode ended = LabIT.ended(client, counting(client, Strategy.READ_MODIFY_WRITE));

            assertThat(ended.path("state").asString()).isEqualTo("done");
            JsonNode result = ended.path("result");
            assertThat(result.path("timedOut").asBoolean()).isTrue();
            assertThat(result.path("seconds").asDouble()).isBetween(1.0, 10.0);
            assertThat(ended.path("done").asLong())
                    .isEqualTo(result.path("acknowledged").asLong());
            assertThat(result.path("lost").asLong()).isPositive();
        }
    }

    @Test
    void aLimitThatMakesNoSenseStopsTheStart() throws Exception {
        Database database = database();
        assertThat(catchThrowable(
                        () -> lab(database, "tally.lab.workers-max", "0").close()))
                .rootCause()
                .hasMessageContaining("tally.lab.workers-max");
    }

    // ---- what is in its way

    @Test
    void somebodyElsesSchemaIsNotTouched() throws Exception {
        Database database = database();
        database.execute("create schema lab");
        database.execute("create table lab.post as select 7 as likes");
        try (TallyServer server = lab(database)) {
            TallyClient client = new TallyClient(server.uri());
            JsonNode ended = failed(client, started(client, "{\"strategy\":\"atomic\"}"));

            assertThat(ended.path("problem").asString()).contains("schema named lab");
            assertThat(database.queryLong("select likes from lab.post")).isEqualTo(7);
            database.execute("drop schema lab cascade");
            requireWorks(client);
            LabIT.requireNothingLeft(database);
        }
    }

    @Test
    void aUserWithoutTheRightIsToldWhichOne() throws Exception {
        Database database = Postgres.shared().createEmptyDatabase();
        String name = database.queryString("select current_database()");
        String role = name + "_user";
        database.execute("create role " + role + " login password 'secret' connection limit 14");
        database.execute("grant usage, create on schema public to " + role);
        try (TallyServer server = lab(new Database(database.url(), role, "secret"))) {
            TallyClient client = new TallyClient(server.uri());
            JsonNode ended = failed(client, started(client, "{\"strategy\":\"atomic\"}"));
            assertThat(ended.path("problem").asString()).contains("grant create on database");

            // With the right, and without connections enough.
            database.execute("grant create on database " + name + " to " + role);
            ended = failed(client, started(client, "{\"strategy\":\"atomic\"}"));
            assertThat(ended.path("problem").asString()).contains("connections");
            LabIT.requireNothingLeft(database);

            ended = LabIT.ended(client, started(client, "{\"strategy\":\"atomic\",\"workers\":2,\"increments\":10}"));
            assertThat(ended.path("result").path("stored").asLong())
                    .as(ended.toString())
                    .isEqualTo(10);
            LabIT.requireNothingLeft(database);
        }
    }

    /** With PostgreSQL's own search_path, the schema of the user's name comes before that of the counters. */
    @Test
    void aUserCalledLabIsToldWhyNot() throws Exception {
        Database database = database();
        database.execute("do $$ begin if not exists (select from pg_roles where rolname = 'lab') then"
                + " create role lab login superuser password 'secret'; end if; end $$");
        try (TallyServer server = lab(new Database(database.url(), "lab", "secret"))) {
            TallyClient client = new TallyClient(server.uri());
            JsonNode ended = failed(client, started(client, "{\"strategy\":\"lanes\"}"));
            assertThat(ended.path("problem").asString()).contains("search_path");
            LabIT.requireNothingLeft(database);
        }
    }

    /** The service's own tables may be in another schema than public: the lab's lanes must not find them. */
    @ParameterizedTest
    @EnumSource(
            value = Strategy.class,
            names = {"LANES", "UPSERT"})
    void tablesInAnotherSchemaAreLeftAlone(Strategy strategy) throws Exception {
        Database database = Postgres.shared().createEmptyDatabase();
        database.execute("create schema app");
        Database app = new Database(database.url() + "?currentSchema=app", database.username(), database.password());
        try (TallyServer server = lab(app)) {
            TallyClient client = new TallyClient(server.uri());
            client.increment("app/mine", 7);
            JsonNode ended = LabIT.ended(
                    client, started(client, "{\"strategy\":\"%s\",\"increments\":1000}".formatted(strategy.label())));
            assertThat(ended.path("result").path("stored").asLong())
                    .as(ended.toString())
                    .isEqualTo(1_000);
            assertThat(database.queryLong("select sum(value) from app.counter")).isEqualTo(7);
            assertThat(database.queryLong("select count(*) from pg_namespace where nspname = 'lab'"))
                    .isZero();
            client.requireBalancedBooks();
        }
    }

    /**
     * Another session locks the table: the run ends when it lets go, and no session is left of the
     * tries.
     */
    @Test
    @Tag("faults")
    void waitsForWhoeverHoldsTheSchema() throws Exception {
        Database database = database();
        try (TallyServer server = lab(database, "tally.database.lock-timeout", "500ms")) {
            TallyClient client = new TallyClient(server.uri());
            String run = counting(client, Strategy.ATOMIC);
            long sessions;
            try (Connection held = database.connect()) {
                held.setAutoCommit(false);
                try (Statement statement = held.createStatement()) {
                    statement.execute("select from lab.post");
                }
                sessions = sessions(database);
                client.send("DELETE", run, "");
                // Once by the run itself, and once by the next owner after the lease expired.
                Clients.await("a second try", PATIENCE, () -> claims(database) > 1);
                held.rollback();
            }
            failed(client, run);
            LabIT.requireNothingLeft(database);
            Clients.await("no session more", PATIENCE, () -> sessions(database) <= sessions);
        }
    }

    private static long sessions(Database database) {
        return queried(
                database,
                "select count(*) from pg_stat_activity"
                        + " where application_name = 'tally' and datname = current_database()");
    }

    private static long claims(Database database) {
        return queried(database, "select max(claims) from lab_run");
    }

    private static long queried(Database database, String sql) {
        try {
            return database.first().queryLong(sql);
        } catch (SQLException e) {
            throw new IllegalStateException(e);
        }
    }

    /** Those who try again for ever must not hold up the end. */
    @Test
    void aRunThatOnlyWaitsCanBeStopped() throws Exception {
        Database database = database();
        try (TallyServer server = lab(database, "tally.database.lock-timeout", "200ms")) {
            TallyClient client = new TallyClient(server.uri());
            String run = counting(client, Strategy.OPTIMISTIC);
            try (Connection held = database.connect()) {
                held.setAutoCommit(false);
                try (Statement statement = held.createStatement()) {
                    statement.execute("select from lab.post for update");
                }
                client.send("DELETE", run, "");
                Clients.await("no workers", PATIENCE, () -> LabIT.workers(database) == 0);
                held.rollback();
            }
            assertThat(LabIT.ended(client, run).path("state").asString()).isIn("cancelled", "failed");
            LabIT.requireNothingLeft(database);
        }
    }

    /** A log-in that is given up is closed, however late the server notices. */
    @Test
    @Tag("faults")
    void aSlowLogInLeavesNoSession() throws Exception {
        Database database = database();
        try (TallyServer server = lab(database, "tally.database.connect-timeout", "4s")) {
            TallyClient client = new TallyClient(server.uri());
            requireWorks(client);
            // From PostgreSQL 17 on. The search path of sessions is pinned: no function of the test is called later.
            database.execute("""
                    create function slow_login() returns event_trigger language plpgsql as $$
                    begin
                      if current_setting('application_name') = 'tally-lab' then
                        perform pg_sleep(12);
                      end if;
                    end $$""");
            database.execute("create event trigger slow_login on login execute function slow_login()");
            failed(client, started(client, "{\"strategy\":\"atomic\"}"));
            database.execute("drop event trigger slow_login");

            Clients.await(
                    "no session that was given up",
                    PATIENCE,
                    () -> queried(
                                    database,
                                    "select count(*) from pg_stat_activity where datname = current_database()"
                                            + " and application_name = 'tally-lab'")
                            == 0);
            requireWorks(client);
        }
    }

    // ---- what goes away

    @ParameterizedTest
    @EnumSource(
            value = Strategy.class,
            names = {"TABLE_LOCK", "LANES"})
    void anInstanceThatStopsEndsItsRun(Strategy strategy) throws Exception {
        Database database = database();
        TallyServer server = lab(database);
        String run = counting(new TallyClient(server.uri()), strategy);
        server.close();

        LabIT.requireNothingLeft(database);
        try (TallyServer next = lab(database)) {
            TallyClient client = new TallyClient(next.uri());
            assertThat(failed(client, run).path("problem").asString()).contains("shut down");
            requireWorks(client);
        }
    }

    @ParameterizedTest
    @Tag("endurance")
    @Tag("faults")
    @EnumSource(
            value = Strategy.class,
            names = {"ROW_LOCK", "LANES"})
    void whatAKilledInstanceLeftBehindIsClearedAway(Strategy strategy) throws Exception {
        Database database = database();
        try (TallyProcess process = TallyProcess.start(database, "--" + ENABLED + "=true")) {
            TallyClient client = new TallyClient(process.uri());
            String run = counting(client, strategy);
            process.killAndRestart();
            assertThat(failed(client, run).path("problem").asString()).contains("interrupted");
            LabIT.requireNothingLeft(database);
            client.requireBalancedBooks();
            requireWorks(client);
        }
    }

    @ParameterizedTest
    @Tag("faults")
    @EnumSource(
            value = Strategy.class,
            names = {"ATOMIC", "OPTIMISTIC"})
    void aRunWhoseDatabaseGoesAwayHasNoResult(Strategy strategy) throws Exception {
        try (EmbeddedPostgres postgres = EmbeddedPostgres.startTemporary()) {
            Database database = postgres.createDatabase("lab");
            try (TallyServer server = lab(database)) {
                TallyClient client = new TallyClient(server.uri());
                String run = counting(client, strategy);
                postgres.kill();
                postgres.restart();
                Clients.await("an answer", PATIENCE, () -> client.get(run).status() == 200);

                failed(client, run);
                LabIT.requireNothingLeft(database);
                requireWorks(client);
                client.requireBalancedBooks();
            }
        }
    }

    /** One broken worker connection is enough: the outcome of one increment is unknown. */
    @Test
    void aRunThatLosesAConnectionHasNoResult() throws Exception {
        Database database = database();
        try (TallyServer server = lab(database)) {
            TallyClient client = new TallyClient(server.uri());
            String run = counting(client, Strategy.UPSERT);
            long done = client.get(run).json().path("done").asLong();
            database.execute("select pg_terminate_backend(pid) from pg_stat_activity"
                    + " where application_name = 'tally-lab' and datname = current_database() limit 1");

            JsonNode ended = failed(client, run);
            assertThat(ended.path("problem").asString()).contains("database failed");
            assertThat(ended.path("done").asLong()).isGreaterThanOrEqualTo(done);
            LabIT.requireNothingLeft(database);
        }
    }

    @Test
    void lanesGoOnWhenTheirConnectionsAreCut() throws Exception {
        Database database = database();
        lanesGoOn(database, /* increments= */ 100_000, () -> terminateWorkers(database));
    }

    /** The lanes find out the outcome of increments in flight, which is unknown to all other strategies. */
    @Test
    @Tag("faults")
    void lanesGoOnWhenTheDatabaseIsBack() throws Exception {
        try (EmbeddedPostgres postgres = EmbeddedPostgres.startTemporary()) {
            lanesGoOn(
                    postgres.createDatabase("lab"),
                    /* increments= */ 200_000,
                    () -> {
                        postgres.kill();
                        postgres.restart();
                    });
        }
    }

    private static void lanesGoOn(Database database, int increments, Runnable fault) throws Exception {
        // A run that takes longer ends by its limit, long before the end of patience.
        try (TallyServer server = lab(database, RUN_MAX, "1m")) {
            TallyClient client = new TallyClient(server.uri());
            String run = started(client, "{\"strategy\":\"lanes\",\"increments\":%d}".formatted(increments));
            Clients.await(
                    "progress",
                    PATIENCE,
                    () -> client.get(run).json().path("done").asLong() > 0);
            fault.run();
            Clients.await("an answer", PATIENCE, () -> client.get(run).status() == 200);

            JsonNode ended = LabIT.ended(client, run);
            assertThat(ended.path("state").asString()).as(ended.toString()).isEqualTo("done");
            assertThat(ended.path("result").path("acknowledged").asLong()).isPositive();
            assertThat(ended.path("result").path("lost").asLong()).isZero();
            assertThat(ended.path("result").path("retries").asLong()).isPositive();
            LabIT.requireNothingLeft(database);
        }
    }

    /** Cuts connections while a statement is in progress, several times: between two statements nothing is in doubt. */
    private static void terminateWorkers(Database database) {
        for (long terminated = 0; terminated < 3; ) {
            terminated += queried(
                    database,
                    "select count(pg_terminate_backend(pid)) from pg_stat_activity"
                            + " where application_name = 'tally-lab' and datname = current_database()"
                            + " and state = 'active'");
        }
    }

    // ---- several instances

    @Test
    void anyInstanceShowsAndStopsARun() throws Exception {
        Database database = database();
        try (TallyServer one = lab(database);
                TallyServer other = lab(database)) {
            for (URI asked : List.of(one.uri(), other.uri())) {
                String run = counting(new TallyClient(asked), Strategy.UPSERT);
                for (URI uri : List.of(one.uri(), other.uri())) {
                    assertThat(new TallyClient(uri)
                                    .get(run)
                                    .json()
                                    .path("state")
                                    .asString())
                            .isEqualTo("running");
                    assertThat(new TallyClient(uri)
                                    .send("POST", RUNS, "{\"strategy\":\"atomic\"}")
                                    .status())
                            .isEqualTo(409);
                }
                TallyClient client = new TallyClient(asked.equals(one.uri()) ? other.uri() : one.uri());
                assertThat(client.send("DELETE", run, "").status()).isEqualTo(202);
                assertThat(LabIT.ended(client, run).path("state").asString()).isEqualTo("cancelled");
                LabIT.requireNothingLeft(database);
            }
        }
    }

    @Test
    void progressProlongsTheLease() throws Exception {
        Database database = database();
        try (TallyServer server = lab(database)) {
            TallyClient client = new TallyClient(server.uri());
            String run = counting(client, Strategy.ATOMIC);
            database.first().execute("update lab_run set lease_until = now() + interval '2 seconds'");
            Clients.await("a longer lease", PATIENCE, () -> leaseSeconds(database) > 5);
            client.send("DELETE", run, "");
            LabIT.ended(client, run);
        }
    }

    private static long leaseSeconds(Database database) {
        return queried(database, "select extract(epoch from lease_until - now())::bigint from lab_run");
    }

    /** One that was frozen for longer than its lease comes back to a run that has ended, and to another's schema. */
    @Test
    void whoComesBackLateRemovesNothingOfAnothers() throws Exception {
        Database database = database();
        try (TallyServer server = lab(database)) {
            TallyClient client = new TallyClient(server.uri());
            counting(client, Strategy.ATOMIC);
            database.first()
                    .execute("do $$ begin execute format('comment on schema lab is %L',"
                            + " replace(obj_description('lab'::regnamespace, 'pg_namespace'),"
                            + " (select id::text from lab_run), gen_random_uuid()::text)); end $$");
            database.first()
                    .execute("update lab_run set state = 'failed', problem = 'taken away', finished_at = now()");
            Clients.await("the workers gone", PATIENCE, () -> LabIT.workers(database) == 0);

            // This run must not remove the schema of another run. The next run may, since no run is active then.
            assertThat(database.queryLong("select count(*) from pg_namespace where nspname = 'lab'"))
                    .isEqualTo(1);
            requireWorks(client);
            LabIT.requireNothingLeft(database);
        }
    }
}
