package io.tally;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowable;

import io.tally.testing.Clients;
import io.tally.testing.Database;
import io.tally.testing.EmbeddedPostgres;
import io.tally.testing.TallyClient;
import io.tally.testing.TallyProcess;
import io.tally.testing.TallyServer;
import io.tally.testing.WireProxy;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.springframework.core.NestedExceptionUtils;

/**
 * The start on a database: what it refuses at once, what it waits for, how a signal ends it, and with which users and
 * schemas it serves.
 */
@Tag("one-shard") // The start of several shards is tested apart.
@Timeout(300)
class StartsIT {

    private static final String SECRET = "correct-horse-battery";
    private static final String WRONG = "wrong-horse-battery";

    /** What a shell reports of a process that a signal ended. */
    private static final int INTERRUPTED = 128 + 2;

    private static final int TERMINATED = 128 + 15;

    /** A signal takes milliseconds; the rest is for a busy machine. */
    private static final Duration END_MAX = Duration.ofSeconds(3);

    private static final String MODE = "tally.access.mode";
    private static final String ROOT_KEY = "tally.access.root-key";
    private static final String ROOT_KEY_RULE = "tally.access.root-key must be one key, or two separated by a comma.";
    private static final String ADDRESS = "server.address";

    private static final String NOWHERE = "postgresql://127.0.0.1:1/tally";
    private static final String WAITS = "The database is not ready. The start waits for it, up to 480 s: ";

    private static EmbeddedPostgres postgres;
    private static Database superuser;

    @BeforeAll
    static void start() throws SQLException {
        postgres = EmbeddedPostgres.startTemporary();
        superuser = postgres.createDatabase("prepared");
        // Written by the server itself, which may run as another user.
        String rules = """
                host closed all 127.0.0.1/32 reject
                host all postgres 127.0.0.1/32 trust
                host all all 127.0.0.1/32 scram-sha-256""";
        superuser.execute(
                "copy (select unnest(string_to_array('" + rules + "', E'\\n'))) to program 'cat > pg_hba.conf'");
        superuser.execute("select pg_reload_conf()");
        for (String user : List.of("app", "full", "mover", "reader", "stranger")) {
            superuser.execute("create role " + user + " login password '" + SECRET + "'");
        }
        superuser.execute("alter role mover set search_path = apps, public");
        superuser.execute("alter role full connection limit 0");
        create("empty", "owner app");
        create("latin", "owner app encoding 'LATIN1' locale 'C' template template0");
        create("ascii", "owner app encoding 'SQL_ASCII' locale 'C' template template0");
        create("private", "owner app");
        superuser.execute("revoke connect on database private from public");
        TallyServer.start(superuser).close();
        superuser.execute("create schema apps authorization mover");
        superuser.execute("grant usage on schema public to app, full, reader");
        superuser.execute("grant select, insert, update, delete on all tables in schema public to app, full, reader");
        superuser.execute("revoke insert, delete on token from reader");
    }

    private static void create(String database, String options) throws SQLException {
        superuser.execute("create database " + database + " " + options);
    }

    @AfterAll
    static void stop() {
        postgres.close();
    }

    private static Database as(String user, String database) {
        return new Database(postgres.url(database), user, SECRET);
    }

    /** The same server, as the second of two hosts. */
    private static Database afterAnAbsentHost(String database) {
        Database only = as("app", database);
        return new Database(only.url().replace("://", "://127.0.0.1:1,"), only.username(), SECRET);
    }

    /** A start that is refused, and what is said about it. */
    record Refusal(Database database, List<String> settings, String message) {

        String[] arguments() {
            return settings.toArray(String[]::new);
        }

        @Override
        public String toString() {
            return database.username() + " " + settings + ": " + message;
        }
    }

    private static Refusal refusal(Database database, String message, String... settings) {
        return new Refusal(database, List.of(settings), message);
    }

    static Stream<Refusal> refusals() {
        Database prepared = as("app", "prepared");
        Database nowhere = new Database(NOWHERE, "app", SECRET);
        String soon = "tally.database.start-wait-max";
        return Stream.of(
                // The database
                refusal(
                        new Database(prepared.url(), "app", WRONG),
                        "The database refuses the log-in: password authentication failed for user \"app\""),
                refusal(as("app", "closed"), "The database refuses the log-in: pg_hba.conf rejects connection"),
                refusal(as("app", "absent"), "The server has no such database: database \"absent\" does not exist"),
                refusal(as("stranger", "private"), "permission denied for database \"private\""),
                refusal(afterAnAbsentHost("absent"), "The server has no such database: database \"absent\""),
                refusal(as("app", "latin"), "The database latin has the encoding LATIN1, and Tally needs UTF8."),
                refusal(as("app", "ascii"), "The database ascii has the encoding SQL_ASCII"),
                refusal(
                        new Database(prepared.url() + "?sslmode=require", "app", SECRET),
                        "The encrypted connection to the database failed: "),
                // Waiting
                refusal(nowhere, "not ready within 0 s: no connection: Cannot connect to 127.0.0.1:1: ", soon, "0s"),
                refusal(nowhere, "Connection refused", soon, "0s"),
                refusal(
                        new Database("postgresql://absent.invalid/tally", "app", SECRET),
                        "UnknownHostException",
                        soon,
                        "0s"),
                refusal(as("full", "prepared"), "too many connections for role \"full\"", soon, "0s"),
                refusal(prepared, "tally.database.start-wait-max must be between 0 and 1h", soon, "61m"),
                // The migration
                refusal(
                        prepared,
                        "The database refuses the log-in: FATAL: password authentication failed for user \"mover\"",
                        "spring.flyway.user",
                        "mover",
                        "spring.flyway.password",
                        WRONG),
                refusal(as("stranger", "empty"), "The user stranger may not create tables in the schema public."),
                refusal(
                        prepared,
                        "makes the tables in the schema apps, and Tally looks for them in public.",
                        "spring.flyway.default-schema",
                        "apps"),
                refusal(prepared, "makes the tables in the schema apps", "spring.flyway.schemas", "apps"),
                refusal(
                        prepared,
                        "Flyway, as the user mover, makes the tables in the schema apps",
                        "spring.flyway.user",
                        "mover"),
                // The proof
                refusal(
                        as("app", "empty"),
                        "The user app does not find the tables access_generation, access_key, counter,",
                        "spring.flyway.enabled",
                        "false"),
                refusal(as("reader", "prepared"), "The user reader lacks rights: insert, delete on token."),
                // Access
                refusal(
                        prepared,
                        "tally.access.mode is closed, but must be open, keys, jwt or keys,jwt.",
                        MODE,
                        "closed"),
                refusal(prepared, "0.0.0.0, but tally.access.mode is not set", ADDRESS, "0.0.0.0"),
                refusal(prepared, "::, but tally.access.mode is not set", ADDRESS, "::"),
                refusal(
                        prepared,
                        "192.0.2.1, but tally.access.mode is not set",
                        "management.server.address",
                        "192.0.2.1"),
                refusal(prepared, "tally.access.root-key is not set", MODE, "keys"),
                refusal(prepared, "tally.access.root-key is not set", MODE, "keys,jwt", ROOT_KEY, " "),
                refusal(prepared, ROOT_KEY_RULE, MODE, "keys", ROOT_KEY, SECRET),
                refusal(prepared, ROOT_KEY_RULE, MODE, "keys", ROOT_KEY, SECRET.repeat(2) + ","),
                refusal(prepared, ROOT_KEY_RULE, MODE, "keys", ROOT_KEY, (SECRET.repeat(2) + ",").repeat(2) + SECRET),
                refusal(prepared, ROOT_KEY_RULE, MODE, "keys", ROOT_KEY, SECRET + " " + SECRET),
                refusal(prepared, ROOT_KEY_RULE, MODE, "keys", ROOT_KEY, "tly_" + SECRET.repeat(2)),
                refusal(prepared, "Tokens need an issuer.", MODE, "jwt"),
                refusal(
                        prepared,
                        "tally.access.keys-max must be between 1 and 100000",
                        "tally.access.keys-max",
                        "100001"),
                refusal(prepared, "tally.access.instances must be between 1 and 1000", "tally.access.instances", "0"),
                // Spring Boot's settings
                refusal(prepared, "spring.webflux.base-path is /tally, but", "spring.webflux.base-path", "/tally"),
                refusal(prepared, "server.servlet.context-path is /t, but", "server.servlet.context-path", "/t"),
                refusal(
                        prepared,
                        "spring.main.web-application-type is none, but",
                        "spring.main.web-application-type",
                        "none"),
                refusal(
                        prepared,
                        "spring.main.lazy-initialization is true, but",
                        "spring.main.lazy-initialization",
                        "true"));
    }

    @ParameterizedTest
    @MethodSource("refusals")
    void refuses(Refusal refused) {
        Throwable failure = catchThrowable(
                () -> TallyServer.start(refused.database(), refused.arguments()).close());

        assertThat(NestedExceptionUtils.getMostSpecificCause(failure))
                .hasMessageContaining(refused.message())
                .extracting(Throwable::getMessage)
                .asString()
                .doesNotContain(SECRET, WRONG);
    }

    @ParameterizedTest
    @MethodSource("refusals")
    @Tag("faults")
    void theProcessEndsWithAMessage(Refusal refused) throws Exception {
        String[] settings = arguments(refused.settings());

        try (TallyProcess process = TallyProcess.launch(refused.database(), settings)) {
            assertThat(process.awaitEnd()).isOne();
            assertRefused(process, refused.message());
        }
    }

    /** One of them, for every run of the tests. */
    @Test
    void aWrongPasswordEndsTheProcess() throws Exception {
        Database wrong = new Database(superuser.url(), "app", WRONG);

        try (TallyProcess process = TallyProcess.launch(wrong)) {
            assertThat(process.awaitEnd()).isOne();
            assertRefused(process, "password authentication failed for user \"app\"");
        }
    }

    private static void assertRefused(TallyProcess process, String message) throws Exception {
        String log = String.join("\n", process.log());
        assertThat(log)
                .contains("APPLICATION FAILED TO START", message)
                .doesNotContain("\tat ", SECRET, WRONG, "Stopped by a signal");
    }

    private static String[] arguments(List<String> settings) {
        List<String> arguments = new ArrayList<>();
        for (int i = 0; i < settings.size(); i += 2) {
            arguments.add("--" + settings.get(i) + "=" + settings.get(i + 1));
        }
        return arguments.toArray(String[]::new);
    }

    @Test
    void waitsForADatabaseThatIsAway() throws Exception {
        try (WireProxy proxy = new WireProxy("127.0.0.1", postgres.port())) {
            proxy.refuse();
            try (TallyProcess process = TallyProcess.launch(proxy.through(as("app", "prepared")))) {
                process.awaitLog(WAITS);
                proxy.admit();
                requireCounts(process);
                assertThat(process.log())
                        .filteredOn(line -> line.contains(WAITS))
                        .hasSize(1);
            }
        }
    }

    @Test
    @Tag("faults")
    void waitsForAConnection() throws Exception {
        try (TallyProcess process = TallyProcess.launch(as("full", "prepared"))) {
            process.awaitLog(WAITS + "no connection: too many connections for role \"full\"");
            superuser.execute("alter role full connection limit -1");
            requireCounts(process);
        } finally {
            superuser.execute("alter role full connection limit 0");
        }
    }

    /** As after a failover, when the address leads to the new primary before that is one. */
    @Test
    @Tag("faults")
    void waitsForAPrimary() throws Exception {
        try (EmbeddedPostgres replica = EmbeddedPostgres.startTemporary()) {
            Database database = replica.createDatabase("promoted");
            database.execute("copy (select '') to program 'touch standby.signal'");
            replica.restart();
            assertThat(database.queryString("select pg_is_in_recovery()::text")).isEqualTo("true");

            try (TallyProcess process = TallyProcess.launch(database)) {
                process.awaitLog(WAITS + "the server is a replica");
                database.execute("select pg_promote()");
                requireCounts(process);
            }
        }
    }

    @Test
    void sigtermEndsTheWait() throws Exception {
        try (TallyProcess process = TallyProcess.launch(new Database(NOWHERE, "app", SECRET))) {
            process.awaitLog(WAITS);
            assertEnds(process, "TERM", TERMINATED);
        }
    }

    @Test
    @Tag("faults")
    void ctrlCEndsTheWait() throws Exception {
        try (TallyProcess process = TallyProcess.launch(as("full", "prepared"))) {
            process.awaitLog(WAITS);
            assertEnds(process, "INT", INTERRUPTED);
        }
    }

    /** The network says nothing: neither driver returns. */
    @ParameterizedTest
    @ValueSource(strings = {"TERM", "INT"})
    @Tag("faults")
    void aSignalEndsASilentConnection(String signal) throws Exception {
        try (WireProxy proxy = new WireProxy("127.0.0.1", postgres.port())) {
            proxy.stall();
            try (TallyProcess process = TallyProcess.launch(proxy.through(as("app", "prepared")))) {
                Clients.await("a connection", Clients.PATIENCE, () -> proxy.open() > 0);
                assertEnds(process, signal, signal.equals("TERM") ? TERMINATED : INTERRUPTED);
            }
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"TERM", "INT"})
    @Tag("faults")
    void aSignalCutsAMigrationAndTheNextStartGoesOn(String signal) throws Exception {
        Database database = postgres.createDatabase("cut_by_" + signal);
        try (Connection other = database.connect();
                Statement statement = other.createStatement()) {
            other.setAutoCommit(false);
            // The migration waits for it: both make a table of the same name.
            statement.execute("create table token ()");
            try (TallyProcess process = TallyProcess.launch(database)) {
                Clients.await("the migration waits", Clients.PATIENCE, () -> waitsForALock(database));
                assertEnds(process, signal, signal.equals("TERM") ? TERMINATED : INTERRUPTED);
            }
            other.rollback();
        }

        try (TallyServer server = TallyServer.start(database)) {
            requireCounts(server);
        }
        assertThat(database.queryString(
                        "select bool_and(success)::text || max(version::int) from flyway_schema_history"))
                .isEqualTo("true" + migrations());
    }

    private static long migrations() throws IOException {
        try (Stream<Path> files = Files.list(Path.of("src/main/resources/db/migration"))) {
            return files.count();
        }
    }

    private static boolean waitsForALock(Database database) {
        try {
            return database.queryLong("select count(*) from pg_stat_activity where datname = current_database()"
                            + " and wait_event_type = 'Lock'")
                    > 0;
        } catch (SQLException e) {
            throw new IllegalStateException(e);
        }
    }

    private static void assertEnds(TallyProcess process, String signal, int status) throws Exception {
        long begun = System.nanoTime();
        process.signal(signal);
        assertThat(process.awaitEnd()).isEqualTo(status);
        assertThat(Duration.ofNanos(System.nanoTime() - begun)).isLessThan(END_MAX);
        assertThat(String.join("\n", process.log()))
                .contains("Stopped by a signal before the start was complete. Nothing was acknowledged.")
                .doesNotContain("\tat ", "APPLICATION FAILED", SECRET);
    }

    /** The user that serves may neither create nor alter anything. */
    @Test
    void theServiceNeedsOnlyToReadAndWriteWhereAnotherUserMigrates() throws Exception {
        Database database = postgres.createDatabase("divided");
        database.execute("alter default privileges grant select, insert, update, delete on tables to app");
        try (TallyServer server = TallyServer.start(
                as("app", "divided"), "spring.flyway.user", EmbeddedPostgres.USERNAME, "spring.flyway.password", "")) {
            requireCounts(server);
        }
        try (TallyServer server = TallyServer.start(as("app", "divided"), "spring.flyway.enabled", "false")) {
            requireCounts(server);
        }
    }

    @Test
    void theUrlNamesTheSchemaForBoth() throws Exception {
        Database plain = postgres.createDatabase("in_schema");
        Database database = new Database(plain.url() + "?currentSchema=apps", plain.username(), plain.password());
        try (TallyServer server = TallyServer.start(database, "spring.flyway.default-schema", "apps")) {
            requireCounts(server);
        }
        assertThat(plain.queryLong("select count(*) from apps.counter")).isOne();
    }

    /** Settings of Spring Boot that the service works with. */
    @Test
    void servesWithOtherPathsOfTheActuator() throws Exception {
        try (TallyServer server = TallyServer.start(
                superuser,
                "management.endpoints.web.base-path",
                "/manage",
                "spring.webflux.static-path-pattern",
                "/files/**")) {
            requireCounts(server);
            assertThat(new TallyClient(server.managementUri())
                            .get("/manage/health")
                            .status())
                    .isEqualTo(200);
        }
    }

    private static void requireCounts(TallyProcess process) throws InterruptedException {
        process.awaitReady();
        requireCounts(new TallyClient(process.uri()));
    }

    private static void requireCounts(TallyServer server) {
        requireCounts(new TallyClient(server.uri()));
    }

    private static void requireCounts(TallyClient client) {
        assertThat(client.increment("starts/one", 1).status()).isEqualTo(200);
        client.requireBalancedBooks();
    }
}
