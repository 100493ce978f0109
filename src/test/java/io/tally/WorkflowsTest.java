package io.tally;

import static org.assertj.core.api.Assertions.assertThat;

import io.tally.testing.Yaml;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** The workflows of GitHub run anywhere: each step is a public action or a script of {@code .ci}. */
class WorkflowsTest {

    private static final Path WORKFLOWS = Path.of(".github/workflows");

    static List<Path> workflows() throws IOException {
        try (Stream<Path> files = Files.list(WORKFLOWS)) {
            return files.toList();
        }
    }

    @ParameterizedTest
    @MethodSource("workflows")
    void stepsCallScriptsOnly(Path workflow) {
        List<String> commands = Yaml.read(workflow).getFirst().findValuesAsString("run");

        assertThat(commands).isNotEmpty().allSatisfy(command -> {
            assertThat(command.strip()).doesNotContain("\n", ";", "|", "&&");
            Path script = Path.of(command.split(" ", 2)[0]);
            assertThat(script).startsWith(Path.of(".ci")).isRegularFile().isExecutable();
        });
    }

    /** A tag can be moved, a commit cannot. Dependabot updates both the commit and the release in the comment. */
    @ParameterizedTest
    @MethodSource("workflows")
    void actionsArePinned(Path workflow) throws IOException {
        assertThat(Files.readAllLines(workflow))
                .filteredOn(line -> line.contains("uses:"))
                .isNotEmpty()
                .allSatisfy(
                        line -> assertThat(line).matches(" *(- )?uses: [\\w/-]+@[0-9a-f]{40} # v\\d+\\.\\d+\\.\\d+"));
    }

    /** Before everything else, which takes an hour. */
    @Test
    void aReleaseBeginsWithItsVersion() {
        List<String> commands =
                Yaml.read(WORKFLOWS.resolve("release.yml")).getFirst().findValuesAsString("run");

        assertThat(commands).startsWith(".ci/version \"$GITHUB_REF_NAME\"", ".ci/run");
    }
}
