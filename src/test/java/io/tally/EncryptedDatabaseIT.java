package io.tally;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.tally.testing.Clients;
import io.tally.testing.Database;
import io.tally.testing.EmbeddedPostgres;
import io.tally.testing.TallyClient;
import io.tally.testing.TallyServer;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.GeneralSecurityException;
import java.security.KeyStore;
import java.sql.SQLException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Base64;
import java.util.List;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** One URL has both drivers encrypt what they say to the database, and check who it is. */
@Timeout(120)
class EncryptedDatabaseIT {

    private static final Base64.Encoder LINES = Base64.getMimeEncoder(64, new byte[] {'\n'});
    private static final Duration PATIENCE = Duration.ofSeconds(20);
    private static final char[] STORE_PASSWORD = "certificates".toCharArray();

    @TempDir
    private static Path directory;

    private static EmbeddedPostgres postgres;
    private static Database plain;

    @BeforeAll
    static void start() throws Exception {
        postgres = EmbeddedPostgres.startTemporary();
        plain = postgres.createDatabase("encrypted");
        certificate("server", "-genkeypair");
        plain.execute("alter system set ssl = on");
        serve("server");
    }

    @AfterAll
    static void stop() {
        postgres.close();
    }

    @Test
    void everyConnectionIsEncrypted() throws Exception {
        Database database = encrypted("server");
        try (TallyServer server = TallyServer.start(database)) {
            TallyClient client = new TallyClient(server.uri());
            assertThat(client.increment("sealed/one", 1).status()).isEqualTo(200);
            client.requireBalancedBooks();
            client.get("/v1/counters/sealed?sort=-value");

            assertThat(connections("ssl")).isGreaterThan(2);
            assertThat(connections("not ssl")).isZero();
        }
        assertThat(database.queryString("select success::text from flyway_schema_history where version = '1'"))
                .isEqualTo("true");
    }

    @Test
    void aDatabaseThatIsNotTheOneMeantIsRefused() throws Exception {
        certificate("other", "-genkeypair");

        assertThatThrownBy(() -> TallyServer.start(encrypted("other"), "spring.flyway.connect-retries", "0"))
                .hasStackTraceContaining("unable to find valid certification path");
        // The service's own driver, where a migration is not asked for.
        assertThatThrownBy(() -> {
                    try (TallyServer server = TallyServer.start(encrypted("other"), "spring.flyway.enabled", "false")) {
                        assertThat(new TallyClient(server.uri())
                                        .increment("sealed/two", 1)
                                        .status())
                                .isEqualTo(200);
                    }
                })
                .hasMessageContaining("503");
    }

    /** As CloudNativePG renews them: with the same keys. The certificates of another key would take a restart. */
    @Test
    void aRenewedCertificateIsTakenWithoutARestart() throws Exception {
        try (TallyServer server = TallyServer.start(encrypted("server"))) {
            TallyClient client = new TallyClient(server.uri());
            assertThat(client.increment("sealed/three", 1).status()).isEqualTo(200);
            String before = Files.readString(directory.resolve("server.crt"));

            certificate("server", "-selfcert");
            serve("server");
            plain.execute("select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'tally'");

            assertThat(Files.readString(directory.resolve("server.crt"))).isNotEqualTo(before);
            Clients.await(
                    "new connections",
                    PATIENCE,
                    () -> client.increment("sealed/three", 1).status() == 200);
            client.requireBalancedBooks();
        }
    }

    private static long connections(String which) throws SQLException {
        return plain.queryLong("select count(*) from pg_stat_ssl join pg_stat_activity using (pid)"
                + " where application_name = 'tally' and " + which);
    }

    private static Database encrypted(String trusted) {
        String query = "?sslmode=verify-full&sslrootcert=" + directory.resolve(trusted + ".crt");
        return new Database(plain.url() + query, plain.username(), plain.password());
    }

    /** Has the server use that certificate. */
    private static void serve(String name) throws IOException, SQLException {
        // Written by the server itself: it takes no key that others may read, and may run as another user.
        write("server.crt", Files.readString(directory.resolve(name + ".crt")));
        write("server.key", Files.readString(directory.resolve(name + ".key")));
        plain.execute("select pg_reload_conf()");
    }

    private static void write(String file, String text) throws SQLException {
        plain.execute("copy (select unnest(string_to_array('" + text.strip() + "', E'\\n')))"
                + " to program 'umask 077 && cat > " + file + "'");
    }

    /** Makes a certificate that nobody but its owner signed, or renews it, and leaves it and its key in files. */
    private static void certificate(String name, String way)
            throws IOException, InterruptedException, GeneralSecurityException {
        Path store = directory.resolve(name + ".p12");
        List<String> keytool = new ArrayList<>(List.of(
                Path.of(System.getProperty("java.home"), "bin", "keytool").toString(),
                way,
                "-alias",
                "server",
                "-dname",
                "CN=" + name,
                "-ext",
                "san=ip:127.0.0.1",
                "-keystore",
                store.toString(),
                "-storepass",
                new String(STORE_PASSWORD)));
        if (way.equals("-genkeypair")) {
            keytool.addAll(List.of("-keyalg", "RSA"));
        }
        assertThat(new ProcessBuilder(keytool).inheritIO().start().waitFor()).isZero();
        KeyStore keys = KeyStore.getInstance("PKCS12");
        try (InputStream in = Files.newInputStream(store)) {
            keys.load(in, STORE_PASSWORD);
        }
        Files.writeString(
                directory.resolve(name + ".key"),
                pem("PRIVATE KEY", keys.getKey("server", STORE_PASSWORD).getEncoded()));
        Files.writeString(
                directory.resolve(name + ".crt"),
                pem("CERTIFICATE", keys.getCertificate("server").getEncoded()));
    }

    private static String pem(String type, byte[] bytes) {
        return "-----BEGIN " + type + "-----\n" + LINES.encodeToString(bytes) + "\n-----END " + type + "-----\n";
    }
}
