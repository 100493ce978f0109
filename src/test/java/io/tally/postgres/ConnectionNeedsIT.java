package io.tally.postgres;

import static org.assertj.core.api.Assertions.assertThat;

import io.tally.pipeline.PipelineProperties;
import io.tally.shard.Sharding;
import io.tally.shard.Shards;
import io.tally.snapshot.SnapshotFixture;
import io.tally.testing.Clients;
import io.tally.testing.Database;
import io.tally.testing.Postgres;
import io.tally.testing.TallyClient;
import io.tally.testing.TallyServer;
import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicLong;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** The stated number of connections against those that the server counts while clients use all features. */
@Tag("one-shard") // It chooses the number itself.
@Timeout(180)
class ConnectionNeedsIT {

    private static final int COUNTERS = 40;

    private final AtomicBoolean loading = new AtomicBoolean(true);
    private final AtomicLong most = new AtomicLong();
    private final AtomicLong snapshots = new AtomicLong();

    @Test
    void anInstanceUsesNoMore() throws Exception {
        Database database = Postgres.shared().createEmptyDatabase();
        // Passes over large namespaces have a connection of their own.
        try (TallyServer server = Shards.start(
                database,
                "tally.ranking.small-max",
                "10",
                "tally.ranking.interval",
                "1s",
                "tally.audit.interval",
                "1s")) {
            ConnectionNeeds needs = ConnectionNeeds.of(
                    server.bean(Sharding.class),
                    server.bean(PipelineProperties.class),
                    server.bean(DatabaseProperties.class));
            assertThat(needs.total()).isEqualTo(4 * (1 + 4 + 1 + 1) + 2);
            List<Future<?>> load = new ArrayList<>();
            try (ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor()) {
                load.add(threads.submit(() -> {
                    count(database);
                    return null;
                }));
                for (String namespace : Shards.namespaces()) {
                    TallyClient client = new TallyClient(server.uri());
                    client.send("POST", "/v1/increments", items(namespace).toString());
                    for (int i = 0; i < 2; i++) {
                        load.add(threads.submit(() -> use(new TallyClient(server.uri()), namespace)));
                    }
                    load.add(threads.submit(() -> {
                        snapshots(client, namespace);
                        return null;
                    }));
                }
                try {
                    // In each shard its lane, a read, a list, an audit and a pass at least.
                    Clients.await("many are used", Clients.PATIENCE, () -> most.get() >= 4 * 5);
                    Clients.await("a snapshot", Clients.PATIENCE, () -> snapshots.get() >= 1);
                } finally {
                    loading.set(false);
                }
            }
            for (Future<?> future : load) {
                future.get();
            }
            assertThat(most.get()).isLessThanOrEqualTo(needs.total());
            new TallyClient(server.uri()).requireBalancedBooks();
        }
    }

    private static List<String> items(String namespace) {
        return IntStream.range(0, COUNTERS)
                .mapToObj(i -> "{\"namespace\":\"" + namespace + "\",\"name\":\"c" + i + "\",\"delta\":1}")
                .toList();
    }

    private void use(TallyClient client, String namespace) {
        for (int i = 0; loading.get(); i++) {
            String counter = namespace + "/c" + i % COUNTERS;
            client.increment(counter, 1);
            client.increment(
                    counter, 1, "Idempotency-Key", Thread.currentThread().threadId() + "-" + i);
            client.get("/v1/counters/" + counter);
            client.send("POST", "/v1/names/" + namespace, "[\"n" + i + "\"]");
            client.get("/v1/names/" + namespace + "/n" + i);
            client.get("/v1/counters/" + namespace + "?sort=name");
            client.get("/v1/counters/" + namespace + "?sort=-value");
            client.get("/v1/counters/" + counter + "/periods");
            client.post("/v1/tokens/" + namespace);
            if (i % 10 == 0) {
                client.post("/v1/audits");
            }
        }
    }

    private void snapshots(TallyClient client, String namespace) throws InterruptedException {
        while (loading.get()) {
            SnapshotFixture.awaitDone(client, SnapshotFixture.start(client, namespace));
            snapshots.incrementAndGet();
        }
    }

    private void count(Database database) throws SQLException {
        try (Connection connection = database.connect();
                Statement statement = connection.createStatement()) {
            while (loading.get()) {
                try (ResultSet rows = statement.executeQuery("select count(*) from pg_stat_activity"
                        + " where datname = current_database() and pid <> pg_backend_pid()"
                        + " and backend_type = 'client backend'")) {
                    rows.next();
                    most.accumulateAndGet(rows.getLong(1), Math::max);
                }
            }
        }
    }
}
