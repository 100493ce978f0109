package io.tally.lab;

import static org.assertj.core.api.Assertions.assertThat;

import io.tally.testing.Clients;
import io.tally.testing.Database;
import io.tally.testing.EmbeddedPostgres;
import io.tally.testing.TallyClient;
import io.tally.testing.TallyClient.Answer;
import io.tally.testing.TallyServer;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.SQLException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import org.junit.jupiter.api.Test;
import tools.jackson.databind.JsonNode;

/**
 * Tries every strategy at every isolation level on a PostgreSQL of its own, through the service's HTTP, and writes the
 * results to {@code target/lab}: {@code ./mvnw -Plab verify}.
 *
 * <p>After a round to warm up, some rounds, each of all; of the runs of one kind the one whose throughput is the median
 * is shown. More or less of it: {@code -Dlab.rounds=1 -Dlab.seconds=1 -Dlab.workers=64 -Dlab.counters=100}.
 */
class LabReport {

    private static final Path DIRECTORY = Path.of("target", "lab");
    /** More than any of them makes in the time. */
    private static final int INCREMENTS = 100_000_000;

    private static final Duration PATIENCE = Duration.ofMinutes(2);

    /** What can be said on the command line. */
    private record Options(int rounds, int seconds, int workers, int counters) {

        static Options given() {
            return new Options(
                    Integer.getInteger("lab.rounds", 3),
                    Integer.getInteger("lab.seconds", 3),
                    Integer.getInteger("lab.workers", 16),
                    Integer.getInteger("lab.counters", 1));
        }
    }

    private final Options options = Options.given();

    @Test
    void writesWhatCameOfEachStrategy() throws Exception {
        try (EmbeddedPostgres postgres = EmbeddedPostgres.startTemporary()) {
            Database database = postgres.createDatabase("lab_report");
            try (TallyServer server = TallyServer.start(
                    database,
                    "tally.lab.enabled",
                    "true",
                    "tally.lab.run-max",
                    options.seconds() + "s",
                    "tally.lab.increments-max",
                    Integer.toString(INCREMENTS))) {
                List<Row> rows = rows(new TallyClient(server.uri()));
                // The promise, on the way: what is shown of the lanes is no accident.
                assertThat(rows)
                        .filteredOn(row -> row.strategy().equals(Strategy.LANES.label()))
                        .allSatisfy(row -> assertThat(row.stored()).isEqualTo(row.acknowledged()));
                Files.createDirectories(DIRECTORY);
                write("table.md", LabTable.markdown(rows) + "\n" + conditions(database) + "\n");
                write("lab.svg", LabPicture.svg(rows));
            }
        }
    }

    private static void write(String name, String text) throws IOException {
        Path file = DIRECTORY.resolve(name);
        Files.writeString(file, text);
        System.out.println("Written: " + file);
    }

    private String conditions(Database database) throws SQLException {
        return """
                Workers: %d. Counters: %d. Seconds for each: %d. Rounds: %d after one to warm up, \
                of which the median is shown. PostgreSQL %s, fsync %s, on %d cores that run the workers, too.\
                """.formatted(
                        options.workers(),
                        options.counters(),
                        options.seconds(),
                        options.rounds(),
                        database.queryString("select split_part(current_setting('server_version'), ' ', 1)"),
                        database.queryString("show fsync"),
                        Runtime.getRuntime().availableProcessors());
    }

    private List<Row> rows(TallyClient client) throws InterruptedException {
        List<List<Row>> rounds = new ArrayList<>();
        for (int round = 0; round <= options.rounds(); round++) {
            System.out.println(round == 0 ? "Warming up" : "Round " + round + " of " + options.rounds());
            rounds.add(round(client));
        }
        List<Row> medians = new ArrayList<>();
        for (int kind = 0; kind < rounds.getFirst().size(); kind++) {
            int place = kind;
            medians.add(median(
                    rounds.stream().skip(1).map(round -> round.get(place)).toList()));
        }
        return medians;
    }

    private static Row median(List<Row> runs) {
        return runs.stream()
                .sorted(Comparator.comparingDouble(Row::perSecond))
                .toList()
                .get(runs.size() / 2);
    }

    private List<Row> round(TallyClient client) throws InterruptedException {
        List<Row> rows = new ArrayList<>();
        for (Strategy strategy : Strategy.values()) {
            for (Isolation isolation : Isolation.values()) {
                rows.add(run(client, strategy, isolation));
            }
        }
        return rows;
    }

    private Row run(TallyClient client, Strategy strategy, Isolation isolation) throws InterruptedException {
        Answer started = client.send(
                "POST",
                "/v1/lab/runs",
                "{\"strategy\":\"%s\",\"isolation\":\"%s\",\"workers\":%d,\"counters\":%d,\"increments\":%d}"
                        .formatted(
                                strategy.label(),
                                isolation.label(),
                                options.workers(),
                                options.counters(),
                                INCREMENTS));
        if (started.status() != 202) {
            throw new IllegalStateException(started.body());
        }
        String run = started.header("Location");
        Clients.await("the end of " + run, PATIENCE, () -> !state(client, run).equals("running"));
        JsonNode ended = client.get(run).json();
        if (!ended.path("state").asString().equals("done")) {
            throw new IllegalStateException(ended.toString());
        }
        Row row = Row.of(ended);
        System.out.println("  " + row);
        return row;
    }

    private static String state(TallyClient client, String run) {
        return client.get(run).json().path("state").asString();
    }

    /** The results of one strategy at one level. */
    record Row(
            String strategy,
            String isolation,
            long acknowledged,
            long stored,
            long lost,
            long duplicateRows,
            long errors,
            long retries,
            double perSecond,
            double p50Ms,
            double p99Ms) {

        static Row of(JsonNode run) {
            JsonNode result = run.path("result");
            return new Row(
                    run.path("strategy").asString(),
                    run.path("isolation").asString(),
                    result.path("acknowledged").asLong(),
                    result.path("stored").asLong(),
                    result.path("lost").asLong(),
                    result.path("duplicateRows").asLong(),
                    result.path("errors").asLong(),
                    result.path("retries").asLong(),
                    result.path("perSecond").asDouble(),
                    result.path("p50Ms").asDouble(Double.NaN),
                    result.path("p99Ms").asDouble(Double.NaN));
        }
    }
}
