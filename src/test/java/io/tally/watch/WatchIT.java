package io.tally.watch;

import static org.assertj.core.api.Assertions.assertThat;

import io.tally.testing.Clients;
import io.tally.testing.Database;
import io.tally.testing.EventStream;
import io.tally.testing.EventStream.Event;
import io.tally.testing.Postgres;
import io.tally.testing.TallyClient;
import io.tally.testing.TallyServer;
import java.sql.SQLException;
import java.time.Duration;
import java.util.List;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** What those see who watch counters at one instance, while clients write at another. */
@Timeout(120)
class WatchIT {

    private static final Duration PATIENCE = Duration.ofSeconds(20);

    private static TallyServer watched;
    private static TallyServer written;
    private static TallyClient client;
    private static TallyClient writer;

    @BeforeAll
    static void start() throws SQLException {
        Database database = Postgres.shared().createDatabase();
        watched = TallyServer.start(
                database,
                "tally.watch.interval",
                "20ms",
                "tally.watch.heartbeat",
                "300ms",
                // A stream in which nothing happens for longer is not idle.
                "server.netty.idle-timeout",
                "1s");
        written = TallyServer.start(database);
        client = new TallyClient(watched.uri());
        writer = new TallyClient(written.uri());
    }

    @AfterAll
    static void stop() {
        writer.requireBalancedBooks();
        written.close();
        watched.close();
    }

    /** Nothing is kept of clients that have gone. */
    @AfterEach
    void leavesNothing() throws InterruptedException {
        Watches watches = watched.bean(Watches.class);
        Clients.await("no stream", PATIENCE, () -> watches.streams() == 0 && watches.counters() == 0);
    }

    private static EventStream open(String path, String... headers) {
        EventStream stream = new EventStream(watched.uri(), "/v1/counters/" + path, headers);
        assertThat(stream.status()).isEqualTo(200);
        return stream;
    }

    @Test
    void sendsTheStateAndThenEachNewerOneWhoeverWrites() throws Exception {
        writer.increment("watch/hits", 5);
        try (EventStream stream = open("watch/hits/events")) {
            Event first = stream.await(1);
            assertThat(first.id()).isEqualTo("1");
            assertThat(first.type()).isEqualTo("message");
            assertThat(first.data())
                    .isEqualTo(writer.get("/v1/counters/watch/hits").json());

            Clients.atOnce(8, thread -> {
                for (int i = 0; i < 100; i++) {
                    assertThat(writer.increment("watch/hits", 1).status()).isEqualTo(200);
                }
                return thread;
            });
            Event last = stream.awaitVersion("hits", 801);
            assertThat(last.value()).isEqualTo(805);
            List<Event> events = stream.events();
            assertThat(events).hasSizeBetween(2, 801);
            assertThat(events.getLast()).isEqualTo(last);
            assertThat(events).extracting(Event::version).isSorted().doesNotHaveDuplicates();
            assertThat(events).allSatisfy(event -> {
                assertThat(event.id()).isEqualTo(Long.toString(event.version()));
                assertThat(event.value()).isEqualTo(event.version() + 4);
            });
        }
    }

    @Test
    void absentCounterIsNotFound() {
        assertThat(client.get("/v1/counters/watch/absent/events").status()).isEqualTo(404);
        assertThat(client.get("/v1/counters/watch/absent/events").problem()).isEqualTo("not-found");
    }
}
