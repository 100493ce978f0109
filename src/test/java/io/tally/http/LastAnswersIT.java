package io.tally.http;

import static org.assertj.core.api.Assertions.assertThat;

import io.tally.http.RawHttp.Response;
import io.tally.testing.Clients;
import io.tally.testing.Database;
import io.tally.testing.Postgres;
import io.tally.testing.TallyServer;
import java.io.IOException;
import java.net.ConnectException;
import java.net.URI;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.RepeatedTest;
import org.junit.jupiter.api.Timeout;

/** What clients are told by an instance that stops, on connections of theirs that it closes. */
@Timeout(60)
class LastAnswersIT {

    private static final int CLIENTS = 16;
    private static final String POST = "POST /v1/counters/stop/me/increments HTTP/1.1\r\nHost: tally\r\n"
            + "Content-Type: application/json\r\nContent-Length: 11\r\n\r\n{\"delta\":1}";

    private final AtomicLong applied = new AtomicLong();
    private final AtomicLong refused = new AtomicLong();
    private final AtomicLong unanswered = new AtomicLong();
    private final AtomicLong lasts = new AtomicLong();

    /** Often, since what can go wrong needs a request that arrives at the very moment its connection is closed. */
    @RepeatedTest(30)
    void everyIncrementThatCountsIsAnswered() throws Exception {
        Database database = Postgres.shared().createDatabase();
        TallyServer server = TallyServer.start(database);
        List<Future<?>> load = new ArrayList<>();
        try (ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor()) {
            for (int i = 0; i < CLIENTS; i++) {
                load.add(threads.submit(() -> incrementUntilNobodyListens(server.uri())));
            }
            Clients.await("load", Duration.ofSeconds(20), () -> applied.get() > 500);
            server.close();
        }
        for (Future<?> future : load) {
            future.get();
        }

        long stored = database.queryLong("select value from counter");
        System.err.println("STOP stored-answered=" + (stored - applied.get()) + " unanswered=" + unanswered
                + " refused=" + refused + " lasts=" + lasts);
        assertThat(stored).isEqualTo(applied.get());
        assertThat(lasts).hasPositiveValue();
    }

    /** Sends the next one when it has the answer to the last, on the same connection for as long as that is kept. */
    private Void incrementUntilNobodyListens(URI server) throws IOException {
        while (true) {
            try (RawHttp connection = new RawHttp(server)) {
                while (increment(connection)) {}
            } catch (ConnectException nobody) {
                return null;
            } catch (IOException closed) {
                unanswered.incrementAndGet();
            }
        }
    }

    private boolean increment(RawHttp connection) throws IOException {
        connection.send(POST);
        Response answer = connection.read();
        switch (answer.status()) {
            case 200 -> applied.incrementAndGet();
            case 503 -> refused.incrementAndGet();
            default -> throw new AssertionError(answer);
        }
        boolean last = answer.header("Connection").equals("close");
        lasts.addAndGet(last ? 1 : 0);
        return !last;
    }
}
