package io.tally;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.yaml.snakeyaml.Yaml;

/** What GitHub runs can be run anywhere: each step is somebody's action or a script of {@code .ci}. */
class WorkflowsTest {

    private static final Path WORKFLOWS = Path.of(".github/workflows");

    static List<Path> workflows() throws IOException {
        try (Stream<Path> files = Files.list(WORKFLOWS)) {
            return files.toList();
        }
    }

    @ParameterizedTest
    @MethodSource("workflows")
    void stepsCallScriptsOnly(Path workflow) throws IOException {
        List<String> commands = steps(workflow)
                .filter(step -> step.containsKey("run"))
                .map(step -> String.valueOf(step.get("run")))
                .toList();

        assertThat(commands).isNotEmpty().allSatisfy(command -> {
            assertThat(command.strip()).doesNotContain("\n", ";", "|", "&&");
            Path script = Path.of(command.split(" ", 2)[0]);
            assertThat(script).startsWith(Path.of(".ci")).isRegularFile().isExecutable();
        });
    }

    private static Stream<Map<?, ?>> steps(Path workflow) throws IOException {
        Map<?, ?> jobs = (Map<?, ?>) ((Map<?, ?>) new Yaml().load(Files.readString(workflow))).get("jobs");
        return jobs.values().stream()
                .flatMap(job -> ((List<?>) ((Map<?, ?>) job).get("steps")).stream())
                .map(step -> (Map<?, ?>) step);
    }
}
