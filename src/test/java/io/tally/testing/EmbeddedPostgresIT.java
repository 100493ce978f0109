package io.tally.testing;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import java.net.ConnectException;
import java.net.InetAddress;
import java.net.NetworkInterface;
import java.net.Socket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

@Tag("one-shard") // Starts no service.
@Tag("faults")
@Tag("endurance")
class EmbeddedPostgresIT {

    /**
     * Starts a server, tells its port and waits to be killed. Source and not a class, as {@code spring-boot:test-run}
     * wants one main method only among the test classes.
     */
    private static final String HOLDER = """
            void main(String[] arguments) throws Exception {
                var server = io.tally.testing.EmbeddedPostgres.start(Path.of(arguments[0]), 0);
                server.createDatabase("tally");
                IO.println("port=" + server.port());
                Thread.currentThread().join();
            }
            """;

    private static final int ANY_PORT = 0;

    @TempDir
    private Path temporary;

    private Path directory;

    @BeforeEach
    void chooseDirectory() throws Exception {
        // JUnit's directory is closed to others; as root, PostgreSQL runs as one of them.
        Files.setPosixFilePermissions(temporary, PosixFilePermissions.fromString("rwxr-xr-x"));
        directory = temporary.resolve("postgres");
    }

    @Test
    void isDurable() throws Exception {
        try (EmbeddedPostgres server = EmbeddedPostgres.startTemporary()) {
            Database database = server.createDatabase("tally");
            for (String setting : List.of("fsync", "synchronous_commit", "full_page_writes", "data_checksums")) {
                assertThat(database.queryString("SHOW " + setting)).as(setting).isEqualTo("on");
            }
        }
    }

    @Test
    void isReachableFromThisMachineOnly() throws Exception {
        try (EmbeddedPostgres server = EmbeddedPostgres.startTemporary()) {
            Database database = server.createDatabase("tally");
            assertThat(database.queryString("SHOW listen_addresses")).isEqualTo("127.0.0.1");
            assertThat(database.queryString("SHOW unix_socket_directories")).isEmpty();
            for (InetAddress address : otherAddresses()) {
                assertThatExceptionOfType(ConnectException.class)
                        .as("%s", address)
                        .isThrownBy(() -> new Socket(address, server.port()).close());
            }
        }
    }

    private static List<InetAddress> otherAddresses() throws Exception {
        return NetworkInterface.networkInterfaces()
                .flatMap(NetworkInterface::inetAddresses)
                .filter(address -> !address.isLoopbackAddress() && !address.isLinkLocalAddress())
                .toList();
    }

    @Test
    void speaksUtf8() throws Exception {
        try (EmbeddedPostgres server = EmbeddedPostgres.startTemporary()) {
            Database database = server.createDatabase("tally");
            assertThat(database.queryString("SHOW server_encoding")).isEqualTo("UTF8");
            assertThat(database.queryString("SELECT upper('zähler')")).isEqualTo("ZÄHLER");
        }
    }

    @Test
    void keepsDataFromStartToStart() throws Exception {
        try (EmbeddedPostgres server = EmbeddedPostgres.start(directory, ANY_PORT)) {
            writeMark(server.createDatabase("tally"));
        }
        try (EmbeddedPostgres server = EmbeddedPostgres.start(directory, ANY_PORT)) {
            assertThat(readMark(server.createDatabase("tally"))).isEqualTo("kept");
        }
    }

    @Test
    void keepsDataAcrossAKill() throws Exception {
        try (EmbeddedPostgres server = EmbeddedPostgres.start(directory, ANY_PORT)) {
            Database database = server.createDatabase("tally");
            writeMark(database);
            int port = server.port();

            server.kill();
            assertThatExceptionOfType(SQLException.class).isThrownBy(() -> readMark(database));
            server.restart();

            assertThat(server.port()).isEqualTo(port);
            assertThat(readMark(database)).isEqualTo("kept");
        }
    }

    @Test
    void restartsInGoodOrderToo() throws Exception {
        try (EmbeddedPostgres server = EmbeddedPostgres.startTemporary()) {
            Database database = server.createDatabase("tally");
            writeMark(database);
            server.restart();
            assertThat(readMark(database)).isEqualTo("kept");
        }
    }

    @Test
    void answersAfterAThawWhatWasAskedInTheFrost() throws Exception {
        try (EmbeddedPostgres server = EmbeddedPostgres.startTemporary()) {
            Database database = server.createDatabase("tally");
            writeMark(database);
            try (Connection connection = database.connect();
                    Statement statement = connection.createStatement()) {
                server.freeze();
                CompletableFuture<String> answer = CompletableFuture.supplyAsync(() -> readMark(statement));
                assertThatExceptionOfType(TimeoutException.class)
                        .isThrownBy(() -> answer.get(300, TimeUnit.MILLISECONDS));
                server.thaw();
                assertThat(answer.get(10, TimeUnit.SECONDS)).isEqualTo("kept");
            }
        }
    }

    @Test
    void closesWhileFrozen() throws Exception {
        EmbeddedPostgres server = EmbeddedPostgres.start(directory, ANY_PORT);
        server.freeze();
        server.close();
        assertThatExceptionOfType(ConnectException.class)
                .isThrownBy(() -> new Socket(InetAddress.getLoopbackAddress(), server.port()).close());
    }

    @Test
    void refusesADirectoryInUse() {
        try (EmbeddedPostgres server = EmbeddedPostgres.start(directory, ANY_PORT)) {
            assertThatExceptionOfType(EmbeddedPostgresException.class)
                    .isThrownBy(() -> EmbeddedPostgres.start(directory, server.port()))
                    .withMessageContaining("Another running process uses the PostgreSQL in")
                    .withMessageContaining("-Dtally.embedded.directory");
        }
    }

    @Test
    void saysWhyItDidNotStart() {
        try (EmbeddedPostgres first = EmbeddedPostgres.startTemporary()) {
            assertThatExceptionOfType(EmbeddedPostgresException.class)
                    .isThrownBy(() -> EmbeddedPostgres.start(directory, first.port()))
                    .withMessageContaining("did not start on port " + first.port())
                    .withMessageContaining("Address already in use")
                    .withMessageContaining("postgresql.log");
        }
        // And what failed has let go of the directory.
        EmbeddedPostgres.start(directory, ANY_PORT).close();
    }

    /** A JVM of its own starts a server and is killed, so that the server stays behind. */
    @Test
    void replacesTheServerOfAKilledJvm() throws Exception {
        Path source = Files.writeString(temporary.resolve("Holder.java"), HOLDER);
        Process jvm = new ProcessBuilder(
                        ProcessHandle.current().info().command().orElseThrow(),
                        "-cp",
                        System.getProperty("java.class.path"),
                        source.toString(),
                        directory.toString())
                .redirectError(ProcessBuilder.Redirect.INHERIT)
                .start();
        String port = jvm.inputReader()
                .lines()
                .filter(line -> line.startsWith("port="))
                .findFirst()
                .orElseThrow()
                .substring("port=".length());

        assertThatExceptionOfType(EmbeddedPostgresException.class)
                .isThrownBy(() -> EmbeddedPostgres.start(directory, ANY_PORT))
                .withMessageContaining("Another running process");
        jvm.destroyForcibly().waitFor();
        Database orphan = new Database("postgresql://127.0.0.1:" + port + "/tally", EmbeddedPostgres.USERNAME, "");
        writeMark(orphan);

        try (EmbeddedPostgres server = EmbeddedPostgres.start(directory, ANY_PORT)) {
            assertThat(readMark(server.createDatabase("tally"))).isEqualTo("kept");
            assertThatExceptionOfType(SQLException.class).isThrownBy(() -> readMark(orphan));
        }
    }

    private static void writeMark(Database database) throws SQLException {
        database.execute("CREATE TABLE mark (value text)");
        database.execute("INSERT INTO mark VALUES ('kept')");
    }

    private static String readMark(Database database) throws SQLException {
        try (Connection connection = database.connect();
                Statement statement = connection.createStatement()) {
            return readMark(statement);
        }
    }

    private static String readMark(Statement statement) {
        try (ResultSet rows = statement.executeQuery("SELECT value FROM mark")) {
            assertThat(rows.next()).isTrue();
            return rows.getString(1);
        } catch (SQLException e) {
            throw new AssertionError(e);
        }
    }
}
