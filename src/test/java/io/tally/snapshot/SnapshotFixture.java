package io.tally.snapshot;

import static org.assertj.core.api.Assertions.assertThat;

import io.tally.testing.Clients;
import io.tally.testing.Database;
import io.tally.testing.TallyClient;
import io.tally.testing.TallyClient.Answer;
import io.tally.testing.TestShards;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.SQLException;
import java.time.Duration;
import java.util.Set;
import java.util.concurrent.atomic.AtomicLong;

/** Namespaces full of counters, and waiting for their snapshots. */
public final class SnapshotFixture {

    private static final Duration PATIENCE = Duration.ofMinutes(3);
    private static final Set<String> ENDS = Set.of("done", "failed", "cancelled");

    private SnapshotFixture() {}

    /** Makes so many counters, in an order of names that is not that of their rows, and enters them in the books. */
    public static void fill(Database database, String namespace, int counters) throws SQLException {
        database.of(namespace)
                .execute(
                        "with made as (insert into counter (namespace, name, value, version)"
                                + " select ?, 'c-' || md5(i::text), i % 1000, 1"
                                + " from generate_series(1, ?) i returning value)"
                                + " update writer set delta = delta + (select sum(value) from made) where id = 0",
                        namespace, counters);
        // As autovacuum would in time.
        database.of(namespace).execute("analyze counter");
    }

    /** Makes a snapshot that is done; its id. */
    public static String insertDone(Database database, String namespace) throws SQLException {
        return insert(database, namespace, "state, finished_at", "'done', now()");
    }

    /** Makes a snapshot in progress, with a lease of another instance; its id. */
    public static String insertRunning(Database database, String namespace) throws SQLException {
        return insert(database, namespace, "lease_until", "now() + interval '1 hour'");
    }

    /** Makes a snapshot as a killed instance leaves it, with an expired lease; its id. */
    public static String insertAbandoned(Database database, String namespace) throws SQLException {
        return insert(database, namespace, "claims, lease_until", "1, now() - interval '1 second'");
    }

    private static String insert(Database database, String namespace, String columns, String values)
            throws SQLException {
        return database.of(namespace)
                .queryString(
                        "insert into job (id, kind, namespace, " + columns + ") values (?, 'snapshot', ?, " + values
                                + ") returning id",
                        TestShards.id(namespace),
                        namespace);
    }

    /** Locks the last counter of a namespace: no snapshot of it is done before the caller ends the transaction. */
    public static Connection holdLast(Database database, String namespace) throws SQLException {
        Connection holder = database.of(namespace).connect();
        holder.setAutoCommit(false);
        try (PreparedStatement lock = holder.prepareStatement(
                "select from counter where namespace = ? order by name desc limit 1 for update")) {
            lock.setString(1, namespace);
            lock.execute();
        }
        return holder;
    }

    /** Starts a snapshot; where to look for it. */
    public static String start(TallyClient client, String namespace) {
        Answer answer = client.post("/v1/snapshots/" + namespace);
        assertThat(answer.status()).as(answer.body()).isEqualTo(202);
        return answer.header("Location");
    }

    /** Waits until a job is done, and fails where it ends in another way. */
    public static Answer awaitDone(TallyClient client, String job) throws InterruptedException {
        return awaitDone(client, job, /* reached= */ 0);
    }

    /** Waits until a job is done, and fails where it ends in another way, or falls back behind what it had reached. */
    public static Answer awaitDone(TallyClient client, String job, long reached) throws InterruptedException {
        AtomicLong last = new AtomicLong(reached);
        Clients.await("done: " + job, PATIENCE, () -> {
            Answer now = client.get(job);
            if (now.status() == 200) {
                long done = now.json().path("done").asLong();
                assertThat(done).as(now.body()).isGreaterThanOrEqualTo(last.getAndSet(done));
            }
            return ENDS.contains(now.json().path("state").asString());
        });
        Answer answer = client.get(job);
        assertThat(answer.json().path("state").asString()).as(answer.body()).isEqualTo("done");
        return answer;
    }

    /** How far a job is. */
    public static long done(TallyClient client, String job) {
        return client.get(job).json().path("done").asLong();
    }
}
