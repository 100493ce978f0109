package io.tally.snapshot;

import static org.assertj.core.api.Assertions.assertThat;

import io.tally.testing.Clients;
import io.tally.testing.Database;
import io.tally.testing.TallyClient;
import io.tally.testing.TallyClient.Answer;
import java.sql.SQLException;
import java.time.Duration;

/** Namespaces full of counters, and waiting for their snapshots. */
public final class SnapshotFixture {

    private static final Duration PATIENCE = Duration.ofSeconds(60);

    private SnapshotFixture() {}

    /** Makes so many counters, in an order of names that is not that of their rows, and enters them in the books. */
    public static void fill(Database database, String namespace, int counters) throws SQLException {
        database.execute(
                "with made as (insert into counter (namespace, name, value, version)"
                        + " select ?, 'c-' || md5(i::text), i % 1000, 1 from generate_series(1, ?) i returning value)"
                        + " update writer set delta = delta + (select sum(value) from made) where id = 0",
                namespace, counters);
        // As autovacuum would in time.
        database.execute("analyze counter");
    }

    /** Starts a snapshot; where to look for it. */
    public static String start(TallyClient client, String namespace) {
        Answer answer = client.post("/v1/snapshots/" + namespace);
        assertThat(answer.status()).as(answer.body()).isEqualTo(202);
        return answer.header("Location");
    }

    /** Waits until a job is done, and fails where it ends in another way. */
    public static Answer awaitDone(TallyClient client, String job) throws InterruptedException {
        Clients.await("done: " + job, PATIENCE, () -> !state(client, job).equals("running"));
        Answer answer = client.get(job);
        assertThat(answer.json().path("state").asString()).as(answer.body()).isEqualTo("done");
        return answer;
    }

    /** How far a job is. */
    public static long done(TallyClient client, String job) {
        return client.get(job).json().path("done").asLong();
    }

    private static String state(TallyClient client, String job) {
        return client.get(job).json().path("state").asString();
    }
}
