package io.tally.watch;

import static org.assertj.core.api.Assertions.assertThat;

import io.tally.testing.Clients;
import io.tally.testing.Database;
import io.tally.testing.EventStream;
import io.tally.testing.Postgres;
import io.tally.testing.TallyClient;
import io.tally.testing.TallyServer;
import io.tally.testing.WireProxy;
import java.net.URI;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.parallel.Isolated;
import org.springframework.boot.test.system.CapturedOutput;
import org.springframework.boot.test.system.OutputCaptureExtension;

/** Live streams while the database is away, and what the log says of it: nothing else may write to the log then. */
@Isolated
@Timeout(60)
@ExtendWith(OutputCaptureExtension.class)
class WatchOutageIT {

    private static final String UNREAD = "Watched counters cannot be read";

    @Test
    void streamsOutlastADatabaseThatGoesAway(CapturedOutput output) throws Exception {
        Database database = Postgres.shared().createDatabase();
        URI postgres = URI.create(database.url());
        try (TallyServer written = TallyServer.start(database);
                WireProxy proxy = new WireProxy(postgres.getHost(), postgres.getPort());
                TallyServer server = TallyServer.start(
                        proxy.through(database),
                        "tally.watch.interval",
                        "20ms",
                        "tally.watch.heartbeat",
                        "100ms",
                        "tally.pipeline.wait-max",
                        "300ms")) {
            TallyClient writer = new TallyClient(written.uri());
            writer.increment("watch/away", 1);
            try (EventStream stream = new EventStream(server.uri(), "/v1/counters/watch/away/events")) {
                stream.await(1);
                proxy.refuse();
                proxy.cutAll();
                Clients.await("logged", Clients.PATIENCE, () -> output.getOut().contains(UNREAD));
                writer.increment("watch/away", 1);
                int beats = stream.comments();
                Clients.await("beats", Clients.PATIENCE, () -> stream.comments() > beats + 10);
                assertThat(stream.events()).hasSize(1);

                proxy.admit();
                assertThat(stream.await(2).version()).isEqualTo(2);
                writer.increment("watch/away", 1);
                assertThat(stream.await(3).version()).isEqualTo(3);
                assertThat(output.getOut().split(UNREAD, -1)).as("logged once").hasSize(2);
            }
            writer.requireBalancedBooks();
        }
    }
}
