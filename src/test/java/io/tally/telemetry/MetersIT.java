package io.tally.telemetry;

import static org.assertj.core.api.Assertions.assertThat;

import io.micrometer.core.instrument.MeterRegistry;
import io.tally.testing.Postgres;
import io.tally.testing.TallyServer;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.SQLException;
import java.util.Map;
import java.util.Set;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Series that are there before anything happens: alerts compare them with what comes later. */
@Timeout(300)
class MetersIT {

    private static final int CATEGORIES = 5;

    @Test
    void everyMeterHasItsSeriesFromTheStartAndIsDocumented() throws SQLException, IOException {
        try (TallyServer server = TallyServer.start(Postgres.shared().createDatabase(), "tally.lab.enabled", "true")) {
            MeterRegistry registry = server.bean(MeterRegistry.class);

            assertThat(names(registry)).hasSameSizeAs(Meter.values());
            String documentation = Files.readString(Path.of("src/docs/operations.md"));
            assertThat(names(registry))
                    .allSatisfy(name -> assertThat(documentation)
                            .containsPattern("`" + name.replace('.', '_') + "(_seconds|_total)?[`{]"));
            Map.of(
                            // Seven kinds in the lanes of counters, names, tokens, their executions and snapshots.
                            "tally.operations",
                            11 * CATEGORIES,
                            "tally.bulk.lines",
                            CATEGORIES,
                            "tally.jobs.finished",
                            2,
                            "tally.retries",
                            5,
                            "tally.commits.recovered",
                            3,
                            // Nine strategies, each at three levels.
                            "tally.lab.lost.updates",
                            9 * 3)
                    .forEach((name, series) ->
                            assertThat(registry.find(name).counters()).as(name).hasSize(series));
        }
    }

    private static Set<String> names(MeterRegistry registry) {
        return registry.getMeters().stream()
                .map(meter -> meter.getId().getName())
                .filter(name -> name.startsWith("tally."))
                .collect(Collectors.toSet());
    }
}
