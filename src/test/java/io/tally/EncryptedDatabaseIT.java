package io.tally;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.tally.testing.Certificates;
import io.tally.testing.Clients;
import io.tally.testing.Database;
import io.tally.testing.EmbeddedPostgres;
import io.tally.testing.TallyClient;
import io.tally.testing.TallyServer;
import java.nio.file.Path;
import java.sql.SQLException;
import java.time.Duration;
import java.util.List;
import java.util.Locale;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** One URL has both drivers encrypt what they say to the database, and check who it is. */
@Tag("one-shard") // It looks at the sessions and migrations of one schema.
@Timeout(120)
class EncryptedDatabaseIT {

    private static final Duration PATIENCE = Duration.ofSeconds(20);

    @TempDir
    private static Path directory;

    private static Certificates certificates;
    private static EmbeddedPostgres postgres;
    private static Database plain;

    @BeforeAll
    static void start() throws Exception {
        postgres = EmbeddedPostgres.startTemporary();
        plain = postgres.createDatabase("encrypted");
        certificates = new Certificates(directory);
        for (String authority : List.of("ours", "others")) {
            certificates.authority(authority);
            certificates.certificateFile(authority);
        }
        write("clients.crt", certificates.certificate("ours"));
        plain.execute("alter system set ssl = on");
        plain.execute("alter system set ssl_ca_file = 'clients.crt'");
        serve("first");
    }

    @AfterAll
    static void stop() {
        postgres.close();
    }

    @Test
    void everyConnectionIsEncrypted() throws Exception {
        Database database = encrypted("ours");
        try (TallyServer server = TallyServer.start(database)) {
            TallyClient client = new TallyClient(server.uri());
            assertThat(client.increment("sealed/one", 1).status()).isEqualTo(200);
            client.requireBalancedBooks();
            client.get("/v1/counters/sealed?sort=-value");

            assertThat(connections("ssl")).isGreaterThan(2);
            assertThat(connections("not ssl")).isZero();
        }
        assertThat(database.first().queryString("select success::text from flyway_schema_history where version = '1'"))
                .isEqualTo("true");
    }

    @ParameterizedTest
    @ValueSource(booleans = {true, false})
    void aDatabaseThatIsNotTheOneMeantIsRefusedAtOnce(boolean migrates) throws Exception {
        assertThatThrownBy(
                        () -> TallyServer.start(encrypted("others"), "spring.flyway.enabled", String.valueOf(migrates)))
                .rootCause()
                .isInstanceOf(StartupException.class)
                .hasMessageContaining("The encrypted connection to the database failed: ")
                .hasMessageContaining("unable to find valid certification path");
    }

    /** As CloudNativePG renews them: the authority keeps its key. With another key there, it would take a restart. */
    @Test
    void renewedCertificatesAreTakenWithoutARestart() throws Exception {
        try (TallyServer server = TallyServer.start(encrypted("ours"))) {
            TallyClient client = new TallyClient(server.uri());
            assertThat(client.increment("sealed/three", 1).status()).isEqualTo(200);

            certificates.renewAuthority("ours");
            serve("second");
            plain.execute("select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'tally'");

            Clients.await(
                    "new connections",
                    PATIENCE,
                    () -> client.increment("sealed/three", 1).status() == 200);
            client.requireBalancedBooks();
        }
    }

    /** The certificate is for 127.0.0.1. */
    @Test
    void theAuthorityAloneIsCheckedWhereTheUrlSaysSo() throws Exception {
        counts(localhost("sslmode=require"));
        counts(localhost("sslmode=verify-ca&sslrootcert=" + directory.resolve("ours.crt")));
        refused(localhost("sslmode=verify-ca&sslrootcert=" + directory.resolve("others.crt")));
        refused(localhost("sslmode=verify-full&sslrootcert=" + directory.resolve("ours.crt")));
    }

    @ParameterizedTest
    @ValueSource(strings = {"RSA", "EC"})
    void bothDriversPresentTheClientsCertificate(String algorithm) throws Exception {
        String name = "client-" + algorithm.toLowerCase(Locale.ROOT);
        certificates.issue(name, "ours", algorithm);
        Database database = new Database(
                encrypted("ours").url() + "&sslcert=" + certificates.certificateFile(name) + "&sslkey="
                        + certificates.keyFile(name),
                plain.username(),
                plain.password());

        // Its start migrates over the other driver.
        try (TallyServer server = TallyServer.start(database)) {
            assertThat(new TallyClient(server.uri()).increment("sealed/four", 1).status())
                    .isEqualTo(200);
            assertThat(connections("client_dn = '/CN=" + name + "'")).isPositive();
            assertThat(connections("client_dn is null")).isZero();
        }
        assertThat(plain.queryString("select installed_by from flyway_schema_history where version = '1'"))
                .isEqualTo(plain.username());
    }

    private static void counts(Database database, String... settings) {
        try (TallyServer server = TallyServer.start(database, settings)) {
            assertThat(new TallyClient(server.uri()).increment("sealed/five", 1).status())
                    .isEqualTo(200);
        }
    }

    private static void refused(Database database) {
        assertThatThrownBy(() -> counts(database, "tally.database.start-wait-max", "0s"))
                .rootCause()
                .isInstanceOf(StartupException.class)
                .hasMessageContaining("The encrypted connection to the database failed: ");
    }

    private static Database localhost(String parameters) {
        return new Database(
                plain.url().replace("127.0.0.1", "localhost") + "?" + parameters, plain.username(), plain.password());
    }

    private static long connections(String which) throws SQLException {
        return plain.queryLong("select count(*) from pg_stat_ssl join pg_stat_activity using (pid)"
                + " where application_name = 'tally' and " + which);
    }

    private static Database encrypted(String trusted) {
        String query = "?sslmode=verify-full&sslrootcert=" + directory.resolve(trusted + ".crt");
        return new Database(plain.url() + query, plain.username(), plain.password());
    }

    /** Has the server use a new certificate, signed by our authority. */
    private static void serve(String name) throws Exception {
        certificates.issue(name, "ours", "RSA", "-ext", "san=ip:127.0.0.1");
        // Written by the server itself: it takes no key that others may read, and may run as another user.
        write("server.crt", certificates.certificate(name));
        write("server.key", certificates.key(name));
        plain.execute("select pg_reload_conf()");
    }

    private static void write(String file, String text) throws SQLException {
        plain.execute("copy (select unnest(string_to_array('" + text.strip() + "', E'\\n')))"
                + " to program 'umask 077 && cat > " + file + "'");
    }
}
