package io.tally;

import static org.assertj.core.api.Assertions.assertThat;

import io.tally.testing.Clients;
import io.tally.testing.Database;
import io.tally.testing.History;
import io.tally.testing.Postgres;
import io.tally.testing.TallyClient;
import io.tally.testing.TallyServer;
import java.io.UncheckedIOException;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/**
 * An instance that stops under load has written what it acknowledged, and leaves neither connections nor open books.
 */
@Timeout(300)
class ShutdownIT {

    @Test
    void stopsUnderLoad() throws Exception {
        Database database = Postgres.shared().createDatabase();
        TallyServer server = TallyServer.start(database);
        TallyClient client = new TallyClient(server.uri());
        History history = new History();
        List<Future<?>> load = new ArrayList<>();
        try (ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor()) {
            for (int i = 0; i < 32; i++) {
                load.add(threads.submit(() -> incrementUntilRefused(client, history)));
            }
            Clients.await("load", Clients.PATIENCE, () -> history.acknowledged() > 500);
            server.close();
        }
        for (Future<?> future : load) {
            future.get();
        }

        history.check(database.of("stop").queryLong("select value from counter"));
        assertThat(database.sum("select count(*) from writer where id <> 0")).isZero();
        assertThat(database.of("stop").queryLong("select delta from writer where id = 0"))
                .isEqualTo(database.of("stop").queryLong("select value from counter"));
        assertThat(database.of("stop").queryLong("select operations from writer where id = 0"))
                .isGreaterThanOrEqualTo(history.acknowledged());
        Clients.await("no connection is left", Clients.PATIENCE, () -> connections(database) == 0);
    }

    private static void incrementUntilRefused(TallyClient client, History history) {
        try {
            boolean served;
            do {
                served = history.increment(client, "stop/me").status() == 200;
            } while (served);
        } catch (UncheckedIOException gone) {
            // The connection was closed, before or after the request was taken: the client cannot tell.
            history.unanswered();
        }
    }

    private static long connections(Database database) {
        try {
            return database.queryLong("select count(*) from pg_stat_activity"
                    + " where application_name = 'tally' and datname = current_database()");
        } catch (java.sql.SQLException e) {
            throw new IllegalStateException(e);
        }
    }
}
