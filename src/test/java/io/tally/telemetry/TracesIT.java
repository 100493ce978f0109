package io.tally.telemetry;

import static java.nio.charset.StandardCharsets.ISO_8859_1;
import static org.assertj.core.api.Assertions.assertThat;

import io.tally.testing.Clients;
import io.tally.testing.Database;
import io.tally.testing.Postgres;
import io.tally.testing.TallyClient;
import io.tally.testing.TallyServer;
import io.tally.testing.TraceCollector;
import java.nio.ByteBuffer;
import java.sql.SQLException;
import java.time.Duration;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** The traces that an OpenTelemetry collector receives. */
@Timeout(120)
class TracesIT {

    private static final Duration EXPORT_MAX = Duration.ofSeconds(20);
    private static final String TRACE = "4bf92f3577b34da6a3ce929d0e0e4736";
    private static final String SAMPLED = "00-" + TRACE + "-00f067aa0ba902b7-01";

    private final TraceCollector collector = TraceCollector.start();

    @AfterEach
    void stop() {
        collector.close();
    }

    @Test
    void requestIsPartOfItsCallersTrace() throws InterruptedException, SQLException {
        try (TallyServer server = start("spring.profiles.active", "tracing")) {
            TallyClient client = new TallyClient(server.uri());

            assertThat(client.increment("traces/hit", 1, "traceparent", SAMPLED).status())
                    .isEqualTo(200);
            assertThat(client.get("/v1/counters/traces/absent", "traceparent", SAMPLED, "X-Request-Id", "7f1c")
                            .status())
                    .isEqualTo(404);

            // Trace ids travel as sixteen bytes, everything else here as text.
            Clients.await("both spans", EXPORT_MAX, () -> sent(bytes(TRACE)) && sent("7f1c"));
            assertThat(sent("/v1/counters/{namespace}/{name}/increments")).isTrue();
            assertThat(sent("tally")).isTrue();
        }
    }

    @Test
    void nothingIsSentUnlessAskedFor() throws SQLException {
        try (TallyServer server = start("management.tracing.sampling.probability", "1.0")) {
            TallyClient client = new TallyClient(server.uri());

            assertThat(client.increment("traces/hit", 1, "traceparent", SAMPLED).status())
                    .isEqualTo(200);
        }
        // What had been waiting to be sent would have been sent at the stop.
        assertThat(collector.received()).isEmpty();
    }

    private TallyServer start(String key, String value) throws SQLException {
        Database database = Postgres.shared().createDatabase();
        return TallyServer.start(
                database,
                key,
                value,
                "management.opentelemetry.tracing.export.schedule-delay",
                "100ms",
                "management.opentelemetry.tracing.export.otlp.endpoint",
                collector.url());
    }

    private boolean sent(String text) {
        return collector.received().stream().anyMatch(body -> body.contains(text));
    }

    private static String bytes(String hex) {
        ByteBuffer bytes = ByteBuffer.allocate(hex.length() / 2);
        for (int i = 0; i < hex.length(); i += 2) {
            bytes.put((byte) Integer.parseInt(hex.substring(i, i + 2), 16));
        }
        return new String(bytes.array(), ISO_8859_1);
    }
}
