package io.tally.testing;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatCode;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.awaitility.Awaitility.await;

import io.tally.testing.WireProxy.Cut;
import java.io.IOException;
import java.net.ServerSocket;
import java.net.URI;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.SQLException;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

@Tag("one-shard") // Starts no service.
class WireProxyIT {

    private static final String UPDATE = "UPDATE counter SET value = value + 1";

    private Database direct;
    private Database database;
    private WireProxy proxy;

    @BeforeEach
    void start() throws Exception {
        direct = Postgres.shared().createEmptyDatabase();
        direct.execute("CREATE TABLE counter (value bigint)");
        direct.execute("INSERT INTO counter VALUES (0)");
        URI uri = URI.create(direct.url());
        proxy = new WireProxy(uri.getHost(), uri.getPort());
        database = proxy.through(direct);
    }

    @AfterEach
    void stop() {
        proxy.close();
    }

    @Test
    void letsEverythingThrough() throws Exception {
        try (Connection connection = database.connect();
                PreparedStatement update = connection.prepareStatement(UPDATE)) {
            for (int i = 0; i < 20; i++) {
                assertThat(update.executeUpdate()).isEqualTo(1);
            }
        }
        assertThat(database.queryLong("SELECT value FROM counter")).isEqualTo(20);
        assertThat(database.queryString("SELECT length(repeat('x', 1000000))")).isEqualTo("1000000");
        assertThat(proxy.cuts()).isZero();
    }

    @Test
    void cutsAfterTheCommit() throws Exception {
        proxy.cutNext(1, Cut.AFTER_COMMIT, WireProxyIT::isUpdate);
        assertThatExceptionOfType(SQLException.class)
                .isThrownBy(() -> database.execute(UPDATE))
                .withMessageContaining("I/O error");
        assertThat(proxy.cuts()).isEqualTo(1);
        // Already there: the cut came after the server's answer.
        assertThat(value()).isEqualTo(1);

        database.execute(UPDATE);
        assertThat(value()).isEqualTo(2);
    }

    @Test
    void cutsInFlight() throws Exception {
        proxy.cutNext(1, Cut.IN_FLIGHT, WireProxyIT::isUpdate);
        assertThatExceptionOfType(SQLException.class)
                .isThrownBy(() -> database.execute(UPDATE))
                .withMessageContaining("I/O error");
        assertThat(proxy.cuts()).isEqualTo(1);
        assertThat(value()).isBetween(0L, 1L);
    }

    /** The driver sends the text of a statement once, and from the fifth execution its name only. */
    @Test
    void knowsPreparedStatementsByName() throws Exception {
        try (Connection connection = database.connect();
                PreparedStatement update = connection.prepareStatement(UPDATE)) {
            for (int i = 0; i < 10; i++) {
                update.executeUpdate();
            }
            proxy.cutNext(1, Cut.AFTER_COMMIT, WireProxyIT::isUpdate);
            assertThatExceptionOfType(SQLException.class).isThrownBy(update::executeUpdate);
        }
        assertThat(value()).isEqualTo(11);
    }

    @Test
    void cutsNothingElse() throws Exception {
        proxy.cutNext(1, Cut.AFTER_COMMIT, WireProxyIT::isUpdate);
        assertThat(database.queryLong("SELECT value FROM counter")).isZero();
        proxy.cutNothing();
        database.execute(UPDATE);
        assertThat(proxy.cuts()).isZero();
    }

    @Test
    void cutsAtRandomAndCountsIt() {
        proxy.cutRandomly(0.5, /* seed= */ 42, Cut.AFTER_COMMIT, WireProxyIT::isUpdate);
        int failures = 0;
        for (int i = 0; i < 40; i++) {
            try {
                database.execute(UPDATE);
            } catch (SQLException e) {
                failures++;
            }
        }
        assertThat(failures).isEqualTo(proxy.cuts()).isBetween(10, 30);
        assertThatCode(() -> assertThat(value()).isEqualTo(40)).doesNotThrowAnyException();
    }

    @Test
    void refusesNewConnectionsOnly() throws Exception {
        try (Connection connection = database.connect();
                PreparedStatement update = connection.prepareStatement(UPDATE)) {
            proxy.refuse();
            assertThatExceptionOfType(SQLException.class).isThrownBy(() -> database.execute(UPDATE));
            update.executeUpdate();
            proxy.admit();
            database.execute(UPDATE);
        }
        assertThat(value()).isEqualTo(2);
    }

    @Test
    void stallsAnswersNotRequests() throws Exception {
        try (Connection connection = database.connect();
                PreparedStatement update = connection.prepareStatement(UPDATE)) {
            proxy.stall();
            CompletableFuture<Integer> updated = CompletableFuture.supplyAsync(() -> execute(update));
            await().until(() -> value() == 1);
            assertThatExceptionOfType(TimeoutException.class).isThrownBy(() -> updated.get(200, TimeUnit.MILLISECONDS));
            proxy.resume();
            assertThat(updated.get(10, TimeUnit.SECONDS)).isEqualTo(1);
        }
    }

    @Test
    void cutsAStalledConnection() throws Exception {
        try (Connection connection = database.connect();
                PreparedStatement update = connection.prepareStatement(UPDATE)) {
            proxy.stall();
            CompletableFuture<Integer> updated = CompletableFuture.supplyAsync(() -> execute(update));
            await().until(() -> value() == 1);
            proxy.cutAll();
            assertThatCode(() -> updated.get(10, TimeUnit.SECONDS)).hasRootCauseInstanceOf(IOException.class);
        }
    }

    @Test
    void countsOpenConnections() throws Exception {
        try (Connection first = database.connect();
                Connection second = database.connect()) {
            assertThat(first.isValid(10) && second.isValid(10)).isTrue();
            assertThat(proxy.open()).isEqualTo(2);
        }
        await().until(() -> proxy.open() == 0);
    }

    @Test
    void resetsClientsOfAServerThatIsAway() throws Exception {
        try (WireProxy toNobody = new WireProxy("127.0.0.1", unusedPort())) {
            Database nowhere = toNobody.through(direct);
            assertThatExceptionOfType(SQLException.class).isThrownBy(() -> nowhere.execute("SELECT 1"));
            assertThat(toNobody.open()).isZero();
        }
    }

    private static int unusedPort() throws Exception {
        try (var socket = new ServerSocket(0)) {
            return socket.getLocalPort();
        }
    }

    private static boolean isUpdate(String sql) {
        return sql.equals(UPDATE);
    }

    private long value() throws SQLException {
        return direct.queryLong("SELECT value FROM counter");
    }

    private static int execute(PreparedStatement update) {
        try {
            return update.executeUpdate();
        } catch (SQLException e) {
            throw new IllegalStateException(e);
        }
    }
}
