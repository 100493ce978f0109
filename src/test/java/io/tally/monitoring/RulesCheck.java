package io.tally.monitoring;

import static org.assertj.core.api.Assertions.assertThat;

import io.tally.testing.Command;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * The rules under promtool, with the tests beside them: {@code ./mvnw -Pmonitoring verify}. Fails where there is none.
 */
class RulesCheck {

    @TempDir
    Path directory;

    @BeforeEach
    void unwrap() throws IOException {
        Prometheus.writeRules(directory);
    }

    private static void succeeds(List<String> command) {
        Command ran = Command.run(command);
        assertThat(ran.succeeded()).as(ran.output()).isTrue();
    }

    @Test
    void areWellFormed() {
        succeeds(List.of(
                "promtool",
                "check",
                "rules",
                "--lint=all",
                "--lint-fatal",
                directory.resolve(Prometheus.RULES).toString()));
    }

    static List<Path> tests() {
        return Monitoring.ruleTests();
    }

    @ParameterizedTest(name = "{0}")
    @MethodSource("tests")
    void fireWhenTheyShouldAndNotOtherwise(Path test) throws IOException {
        // It looks for the rules beside the test.
        Path copy = Files.copy(test, directory.resolve(test.getFileName()));
        succeeds(List.of("promtool", "test", "rules", copy.toString()));
    }
}
