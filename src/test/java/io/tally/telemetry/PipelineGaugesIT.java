package io.tally.telemetry;

import static org.assertj.core.api.Assertions.assertThat;

import io.tally.testing.Clients;
import io.tally.testing.Database;
import io.tally.testing.Postgres;
import io.tally.testing.TallyClient;
import io.tally.testing.TallyServer;
import io.tally.testing.TestShards;
import io.tally.testing.WireProxy;
import java.net.URI;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** What an operator sees of the lanes while the database goes away and comes back. */
@Timeout(300)
class PipelineGaugesIT {

    private static boolean shows(TallyClient management, String line) {
        return management.get("/actuator/prometheus").body().lines().anyMatch(line::equals);
    }

    private static void await(TallyClient management, String line) throws InterruptedException {
        Clients.await(line, Clients.PATIENCE, () -> shows(management, line));
    }

    @Test
    void showTheBoundAndWhetherALaneCanWrite() throws Exception {
        Database database = Postgres.shared().createDatabase();
        URI address = URI.create(database.url());
        try (WireProxy proxy = new WireProxy(address.getHost(), address.getPort());
                TallyServer server = TallyServer.start(
                        proxy.through(database),
                        "tally.pipeline.lanes",
                        "1",
                        "tally.pipeline.queue-operations-max",
                        "20000",
                        "tally.pipeline.wait-max",
                        "500ms")) {
            TallyClient client = new TallyClient(server.uri());
            TallyClient management = new TallyClient(server.managementUri());
            assertThat(client.increment("gauges/a", 1).status()).isEqualTo(200);
            String lane = "{lane=\"" + TestShards.SHARDING.indexOf("gauges") + "\"} ";
            assertThat(shows(management, "tally_lane_queue_limit" + lane + "20000.0"))
                    .isTrue();
            assertThat(shows(management, "tally_lane_available" + lane + "1.0")).isTrue();

            proxy.refuse();
            proxy.cutAll();
            assertThat(client.increment("gauges/a", 1).status()).isEqualTo(503);
            await(management, "tally_lane_available" + lane + "0.0");

            proxy.admit();
            await(management, "tally_lane_available" + lane + "1.0");
            client.requireBalancedBooks();
        }
    }
}
