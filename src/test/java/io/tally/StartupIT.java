package io.tally;

import static org.assertj.core.api.Assertions.assertThat;

import io.tally.testing.Command;
import io.tally.testing.TallyProcess;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

/** Settings with which the service does not start: it exits with status 1 and says why, without a stack trace. */
class StartupIT {

    private static final String USERNAME = "--tally.database.username=tally";
    private static final String PASSWORD = "--tally.database.password=";

    @Test
    void namesTheVariablesOfAMissingDatabase() {
        assertThat(refusal())
                .contains("Missing: tally.database.url, tally.database.username, tally.database.password.")
                .contains("TALLY_DATABASE_URL", "TALLY_DATABASE_USERNAME", "TALLY_DATABASE_PASSWORD");
    }

    @Test
    void acceptsAnEmptyPasswordAndNamesWhatIsMissing() {
        assertThat(refusal("--tally.database.url=postgresql://localhost/tally", PASSWORD))
                .contains("Missing: tally.database.username.");
    }

    @Test
    void namesTheKeyOfAnInvalidSetting() {
        assertThat(refusal("--tally.database.url=jdbc:postgresql://localhost/tally", USERNAME, PASSWORD))
                .contains("tally.database.url must be postgresql://host:port/database");
        assertThat(refusal(
                        "--tally.database.url=postgresql://localhost/tally",
                        USERNAME,
                        PASSWORD,
                        "--tally.pipeline.lanes=0"))
                .contains("tally.pipeline.lanes must be between 1 and 64");
    }

    @Test
    void refusesHttp2() {
        assertThat(refusal(
                        "--tally.database.url=postgresql://localhost/tally",
                        USERNAME,
                        PASSWORD,
                        "--server.http2.enabled=true"))
                .contains("server.http2.enabled is true, but Tally supports HTTP/1.1 only.");
    }

    private static String refusal(String... settings) {
        List<String> line = new ArrayList<>(List.of(
                "env", "-u", "TALLY_DATABASE_URL", "-u", "TALLY_DATABASE_USERNAME", "-u", "TALLY_DATABASE_PASSWORD"));
        line.addAll(TallyProcess.command(0, 0));
        line.addAll(List.of(settings));
        Command ended = Command.run(line);
        assertThat(ended.exitCode()).as(ended.output()).isOne();
        assertThat(ended.output()).contains("APPLICATION FAILED TO START").doesNotContain("\tat ");
        return ended.output();
    }
}
