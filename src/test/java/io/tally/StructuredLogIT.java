package io.tally;

import static org.assertj.core.api.Assertions.assertThat;

import io.tally.testing.Database;
import io.tally.testing.Postgres;
import io.tally.testing.TallyClient;
import io.tally.testing.TallyClient.Answer;
import io.tally.testing.TallyProcess;
import java.io.IOException;
import java.sql.SQLException;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/** What a cluster collects of a process: JSON from its first line to its last, in which a problem can be looked up. */
@Timeout(300)
class StructuredLogIT {

    private static final JsonMapper JSON = new JsonMapper();

    @Test
    void everyLineIsJsonAndOneAboutARequestSaysWhich() throws IOException, InterruptedException, SQLException {
        Database database = Postgres.shared().createDatabase();
        try (TallyProcess process = TallyProcess.start(database, "--spring.profiles.active=kubernetes")) {
            TallyClient client = new TallyClient(process.uri());
            database.of("ids").execute("drop table token");

            Answer answer = client.send("POST", "/v1/tokens/ids", "", "X-Request-Id", "7f1c-\"quoted\"");

            assertThat(answer.status()).as(answer.body()).isEqualTo(503);
            assertThat(answer.json().path("requestId").asString()).isEqualTo("7f1c-\"quoted\"");
            List<JsonNode> lines = lines(process);
            assertThat(lines).anySatisfy(line -> {
                assertThat(line.path("message").asString()).startsWith("Started TallyApplication in ");
                assertThat(line.path("service").path("name").asString()).isEqualTo("tally");
            });
            assertThat(lines)
                    .filteredOn(line -> line.path("requestId").asString("").equals("7f1c-\"quoted\""))
                    .singleElement()
                    .satisfies(line -> {
                        assertThat(line.path("log").path("level").asString()).isEqualTo("ERROR");
                        assertThat(line.path("message").asString()).contains("\"token\" does not exist");
                        assertThat(line.path("@timestamp").asString()).isNotBlank();
                    });
        }
    }

    private static List<JsonNode> lines(TallyProcess process) throws IOException {
        List<String> lines = process.log();
        assertThat(lines).allSatisfy(line -> assertThat(line).startsWith("{").endsWith("}"));
        return lines.stream().map(JSON::readTree).toList();
    }
}
