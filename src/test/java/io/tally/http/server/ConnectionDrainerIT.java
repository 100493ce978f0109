package io.tally.http.server;

import static org.assertj.core.api.Assertions.assertThat;

import io.tally.testing.Clients;
import io.tally.testing.Database;
import io.tally.testing.Postgres;
import io.tally.testing.RawHttp;
import io.tally.testing.RawHttp.Response;
import io.tally.testing.TallyServer;
import java.io.IOException;
import java.net.ConnectException;
import java.net.URI;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.ThreadLocalRandom;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.RepeatedTest;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** The responses of an instance that shuts down, and the connections that it closes. */
@Timeout(300)
class ConnectionDrainerIT {

    private static final int CLIENTS = 16;
    private static final int PIPELINED = 5;
    private static final int IDLE_MILLIS = 100;
    private static final String POST = "POST /v1/counters/stop/me/increments HTTP/1.1\r\nHost: tally\r\n"
            + "Content-Type: application/json\r\nContent-Length: 11\r\n\r\n{\"delta\":1}";

    private final AtomicLong answered = new AtomicLong();
    private final AtomicLong last = new AtomicLong();

    @Test
    void everyIncrementThatCountsIsAnswered() throws Exception {
        stopUnder(this::increment);
    }

    @Test
    void whatArrivesAsAnIdleConnectionIsClosedDoesNotCount() throws Exception {
        stopUnder(this::pauseAndIncrement);
    }

    @Test
    void whatFollowsTheLastAnswerDoesNotCount() throws Exception {
        stopUnder(this::pipeline);
    }

    /** Often, since what can go wrong needs a request that arrives at the very moment its connection is closed. */
    @RepeatedTest(8)
    @Tag("faults")
    void everyIncrementThatCountsIsAnsweredAtEachStop() throws Exception {
        stopUnder(this::increment);
    }

    @RepeatedTest(3)
    @Tag("faults")
    void whatArrivesAsAnIdleConnectionIsClosedNeverCounts() throws Exception {
        stopUnder(this::pauseAndIncrement);
    }

    @RepeatedTest(3)
    @Tag("faults")
    void whatFollowsTheLastAnswerNeverCounts() throws Exception {
        stopUnder(this::pipeline);
    }

    private void stopUnder(Work work) throws Exception {
        Database database = Postgres.shared().createDatabase();
        TallyServer server = TallyServer.start(database);
        List<Future<?>> load = new ArrayList<>();
        try (ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor()) {
            for (int i = 0; i < CLIENTS; i++) {
                load.add(threads.submit(() -> workUntilNobodyListens(server.uri(), work)));
            }
            Clients.await("load", Clients.PATIENCE, () -> answered.get() > 500);
            server.close();
        }
        for (Future<?> future : load) {
            future.get();
        }

        long stored = database.of("stop").queryLong("select value from counter");
        assertThat(stored).as("stored").isEqualTo(answered.get());
        assertThat(last).as("answers that say they are the last").hasPositiveValue();
    }

    /** Goes on with the same connection for as long as that is kept, and then with another. */
    private Void workUntilNobodyListens(URI server, Work work) throws Exception {
        while (true) {
            try (RawHttp connection = new RawHttp(server)) {
                while (work.keeps(connection)) {}
            } catch (ConnectException refused) {
                return null;
            } catch (IOException closed) {
                // Not answered: it must not count.
            }
        }
    }

    private boolean increment(RawHttp connection) throws IOException {
        connection.send(POST);
        return answer(connection);
    }

    /** Pauses for about as long as a connection must be idle to be closed. */
    private boolean pauseAndIncrement(RawHttp connection) throws Exception {
        Thread.sleep(ThreadLocalRandom.current().nextInt(2 * IDLE_MILLIS));
        return increment(connection);
    }

    private boolean pipeline(RawHttp connection) throws IOException {
        connection.send(POST.repeat(PIPELINED));
        boolean goesOn = true;
        for (int i = 0; i < PIPELINED && goesOn; i++) {
            goesOn = answer(connection);
        }
        return goesOn;
    }

    /** Counts an answer; whether it is not the connection's last. */
    private boolean answer(RawHttp connection) throws IOException {
        Response answer = connection.read();
        assertThat(answer.status()).as(answer.body()).isEqualTo(200);
        answered.incrementAndGet();
        if (answer.header("Connection").equals("close")) {
            last.incrementAndGet();
            return false;
        }
        return true;
    }

    private interface Work {

        /** Does some of it; whether the connection is kept. */
        boolean keeps(RawHttp connection) throws Exception;
    }
}
