package io.tally;

import static org.assertj.core.api.Assertions.assertThat;

import io.tally.testing.Clients;
import io.tally.testing.Command;
import io.tally.testing.Database;
import io.tally.testing.EmbeddedPostgres;
import io.tally.testing.TallyClient;
import io.tally.testing.TallyProcess;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.regex.Pattern;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Starts of a process with settings of the database. None prints a password, even where it logs all that it can. */
@Tag("one-shard") // Names schemas and search paths itself.
@Timeout(180)
class DatabaseUrlStartsIT {

    /** What all passwords here have in common. */
    private static final String SECRET = "s3cr3t";

    /** Spring would replace some of it. */
    private static final String COUNTING = SECRET + "-${java.version}#{1+1}\\${HOME}\\ c ";

    private static final String MIGRATING = SECRET + "-${HOME} m";

    private static final Duration START_MAX = Duration.ofMinutes(2);
    private static final Pattern PORT = Pattern.compile("Netty started on port (\\d+)");

    @TempDir
    private static Path directory;

    private static EmbeddedPostgres postgres;
    private static Database database;

    @BeforeAll
    static void start() throws Exception {
        postgres = EmbeddedPostgres.startTemporary();
        database = postgres.createDatabase("tally");
        database.execute("create role counting login password '" + COUNTING + "'");
        database.execute("create role migrating login password '" + MIGRATING + "'");
        database.execute("grant create on schema public to migrating");
        database.execute("alter default privileges for role migrating"
                + " grant select, insert, update, delete on tables to counting");
        database.execute("alter default privileges for role migrating grant usage on sequences to counting");
        // Before the rule that trusts every user.
        database.execute("copy (select 'host all counting,migrating all scram-sha-256') to program"
                + " 'cat - pg_hba.conf > pg_hba.new && mv pg_hba.new pg_hba.conf'");
        database.execute("select pg_reload_conf()");
    }

    @AfterAll
    static void stop() {
        postgres.close();
    }

    /** The service's user may only read and write rows: Flyway has a user of its own. */
    @Test
    void passwordsAreLiteralAndShownNowhere() throws Exception {
        Path tree = Files.createDirectories(directory.resolve("tree"));
        Files.writeString(tree.resolve("spring.flyway.password"), MIGRATING + "\n");
        Path log = directory.resolve("log");
        Process process = process(
                        Map.of(
                                "TALLY_DATABASE_URL",
                                database.url() + "?options=-c%20tally.note=" + SECRET,
                                "TALLY_DATABASE_USERNAME",
                                "counting",
                                "TALLY_DATABASE_PASSWORD",
                                COUNTING,
                                "SPRING_FLYWAY_USER",
                                "migrating",
                                "SPRING_CONFIG_IMPORT",
                                "configtree:" + tree + "/"),
                        "--logging.level.root=DEBUG",
                        "--management.endpoints.access.default=read-only",
                        "--management.endpoints.web.exposure.include=*")
                .redirectErrorStream(true)
                .redirectOutput(log.toFile())
                .start();
        try {
            Clients.await(
                    "started, see " + log,
                    START_MAX,
                    () -> !process.isAlive() || ports(log).size() == 2);
            assertThat(process.isAlive()).as(Files.readString(log)).isTrue();
            TallyClient client = new TallyClient(ports(log).getFirst());
            TallyClient management = new TallyClient(ports(log).getLast());

            assertThat(client.increment("starts/one", 1).status()).isEqualTo(200);
            assertThat(database.queryString("select tableowner from pg_tables where tablename = 'counter'"))
                    .isEqualTo("migrating");
            assertThat(database.queryString(
                            "select distinct usename::text from pg_stat_activity where application_name = 'tally'"))
                    .isEqualTo("counting");
            for (String page : List.of("health", "info", "env", "configprops", "conditions", "beans", "prometheus")) {
                TallyClient.Answer answer = management.get("/actuator/" + page);
                assertThat(answer.status()).as(page).isEqualTo(200);
                assertThat(answer.body()).as(page).isNotEmpty().doesNotContain(SECRET);
            }
        } finally {
            process.destroy();
            process.waitFor();
        }
        assertThat(Files.readString(log))
                .contains(" DEBUG ", "Database: jdbc:postgresql://127.0.0.1:" + postgres.port() + "/tally (")
                .doesNotContain(SECRET);
    }

    /** The main port, then that of the Actuator. */
    private static List<URI> ports(Path log) {
        try {
            return PORT.matcher(Files.readString(log))
                    .results()
                    .map(found -> URI.create("http://127.0.0.1:" + found.group(1)))
                    .toList();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', textBlock = """
            postgresql://counting:s3cr3t@localhost/tally | --debug | must not contain a user name or a password
            postgresql://{address}/tally | --logging.level.root=DEBUG | password authentication failed
            postgresql://{address}/tally | --tally.database.lock-timeout=9s | must be longer than lock-timeout
            """)
    void failsWithoutShowingThePassword(String url, String setting, String message) {
        assertFails(url, setting, message);
    }

    @Tag("faults")
    @ParameterizedTest
    @CsvSource(delimiter = '|', textBlock = """
            postgresql://{address}/tally?user=u&password=s3cr3t | --debug | must not contain a user name or a password
            postgresql://{address}/tally?sslpassword=s3cr3t | --debug | sslpassword is not supported
            postgresql://{address}/tally?sslmode=s3cr3t | --debug | sslmode must be one of
            postgresql://{address}/tally?sslmode=verify-ca&sslrootcert=/s3cr3t | --debug | readable file of certificates
            postgresql:s3cr3t | --logging.level.root=DEBUG | must be postgresql://host:port/database
            postgresql://{address}/missing | --logging.level.root=DEBUG | database "missing" does not exist
            postgresql://127.0.0.1:1/tally?options=-ca.b=s3cr3t | --logging.level.root=DEBUG | refused
            postgresql://{address}/tally?sslmode=require | --logging.level.root=DEBUG | SSL
            postgresql://{address}/tally | --tally.database.connect-timeout=soon | tally.database.connect-timeout
            postgresql://{address}/tally | --spring.flyway.connect-retries=many | spring.flyway.connect-retries
            postgresql://{address}/tally | --spring.flyway.url=jdbc:postgresql://u:s3cr3t@h/d | must not contain
            postgresql://{address}/tally | --tally.pipeline.lanes=0 | tally.pipeline.lanes must be between 1 and 64
            """)
    void failsWithoutShowingThePasswordAtAll(String url, String setting, String message) {
        assertFails(url, setting, message);
    }

    private static void assertFails(String url, String setting, String message) {
        String address = URI.create(postgres.url("tally")).getAuthority();
        // The role is there only in one database; its password is wrong everywhere.
        String user = url.contains("missing") ? EmbeddedPostgres.USERNAME : "counting";
        ProcessBuilder process = process(
                Map.of(
                        "TALLY_DATABASE_URL",
                        url.replace("{address}", address),
                        "TALLY_DATABASE_USERNAME",
                        user,
                        "TALLY_DATABASE_PASSWORD",
                        SECRET + "-wrong",
                        "TALLY_DATABASE_STARTWAITMAX",
                        "0s",
                        // A log-in to a busy server takes seconds.
                        "TALLY_DATABASE_CONNECTTIMEOUT",
                        "30s"),
                setting);
        List<String> line = new ArrayList<>(List.of("env"));
        process.environment().forEach((name, value) -> line.add(name + "=" + value));
        line.addAll(process.command());

        Command ended = Command.run(line);

        assertThat(ended.exitCode()).as(ended.output()).isOne();
        assertThat(ended.output()).contains(message).doesNotContain(SECRET);
    }

    private static ProcessBuilder process(Map<String, String> variables, String... settings) {
        List<String> line = new ArrayList<>(TallyProcess.command(0, 0));
        line.addAll(List.of(settings));
        ProcessBuilder process = new ProcessBuilder(line);
        process.environment().putAll(variables);
        return process;
    }
}
