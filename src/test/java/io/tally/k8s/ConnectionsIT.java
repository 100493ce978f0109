package io.tally.k8s;

import static org.assertj.core.api.Assertions.assertThat;

import io.tally.snapshot.SnapshotFixture;
import io.tally.testing.Clients;
import io.tally.testing.Database;
import io.tally.testing.Postgres;
import io.tally.testing.TallyClient;
import io.tally.testing.TallyServer;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.util.Map;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** An instance that does everything at once has no more connections than the manifests count with. */
@Tag("one-shard") // Compares with the connections that the manifests state for one shard.
@Timeout(120)
class ConnectionsIT {

    private static final int COUNTERS = 30_000;

    private final AtomicBoolean over = new AtomicBoolean();
    private final AtomicInteger most = new AtomicInteger();

    @Test
    void anInstanceHasNoMoreThanItsShare() throws Exception {
        Database database = Postgres.shared().createEmptyDatabase();
        try (ExecutorService executor = Executors.newVirtualThreadPerTaskExecutor()) {
            // From before the start, so that the migration's are counted, too.
            Future<?> watcher = executor.submit(() -> watch(database));
            try (TallyServer server =
                    TallyServer.start(database, "tally.ranking.interval", "100ms", "tally.ranking.small-max", "10")) {
                doEverything(database, new TallyClient(server.uri()));
            }
            over.set(true);
            watcher.get();
        }

        int share = Instance.in(Map.of(
                        "TALLY_DATABASE_URL", database.url(),
                        "TALLY_DATABASE_USERNAME", database.username(),
                        "TALLY_DATABASE_PASSWORD", database.password()))
                .connectionsMax();
        assertThat(most.get()).as("connections").isBetween(share / 2, share);
    }

    private static void doEverything(Database database, TallyClient client) throws Exception {
        SnapshotFixture.fill(database, "connections", COUNTERS);
        client.get("/v1/counters/connections?sort=-value");
        String job = SnapshotFixture.start(client, "connections");
        Clients.atOnce(32, thread -> {
            for (int i = 0; i < 20; i++) {
                work(client, thread, i);
            }
            return thread;
        });
        SnapshotFixture.awaitDone(client, job);
        client.requireBalancedBooks();
    }

    private static void work(TallyClient client, int thread, int turn) {
        String counter = "connections/" + thread + "-" + turn;
        int status = switch (thread % 8) {
            case 0 -> client.post("/v1/audits").status();
            case 1 -> client.get("/v1/counters/connections?sort=name").status();
            case 2 -> client.get("/v1/counters/connections?sort=-value").status();
            case 3 ->
                client.send("POST", "/v1/names/connections", "[\"" + thread + "-" + turn + "\"]")
                        .status();
            case 4 -> client.put(counter, "{\"initial\":1}").status();
            case 5 -> client.get("/v1/counters/connections/0-0").status();
            default -> client.increment(counter, 1).status();
        };
        // Too much at once may be refused; nothing else may fail.
        assertThat(status).isIn(200, 201, 404, 503);
    }

    private void watch(Database database) {
        try (Connection connection = database.connect();
                PreparedStatement statement = connection.prepareStatement("select count(*) from pg_stat_activity"
                        + " where datname = current_database() and backend_type = 'client backend'"
                        // Those of this test come from the same driver as the migration's.
                        + " and pid <> pg_backend_pid()")) {
            while (!over.get()) {
                try (ResultSet rows = statement.executeQuery()) {
                    rows.next();
                    most.accumulateAndGet(rows.getInt(1), Math::max);
                }
                Thread.onSpinWait();
            }
        } catch (SQLException e) {
            throw new IllegalStateException(e);
        }
    }
}
