package io.tally;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * Lines of Java, TypeScript, SQL, Markdown, YAML and scripts have at most 120 columns. The formatter leaves longer
 * comments and strings unchanged.
 */
class LineLengthTest {

    private static final int COLUMNS_MAX = 120;

    /** The empty suffix is that of scripts and of the Dockerfile. */
    private static final Set<String> CHECKED = Set.of("java", "sql", "md", "ts", "yaml", "yml", "");

    @Test
    void linesFit() throws IOException {
        assertThat(longLines(TextFiles.all())).isEmpty();
    }

    @Test
    void longLinesAreFound(@TempDir Path directory) throws IOException {
        String longest = "ü".repeat(COLUMNS_MAX);
        for (String name : List.of("A.java", "V1__a.sql", "V1__counters_and_writers.sql", "a.json", "a.yml", "run")) {
            Files.writeString(directory.resolve(name), longest + "\n" + longest + "+\n");
        }

        assertThat(longLines(TextFiles.in(directory)))
                .containsExactlyInAnyOrder(
                        directory.resolve("A.java") + ":2",
                        directory.resolve("V1__a.sql") + ":2",
                        directory.resolve("a.yml") + ":2",
                        directory.resolve("run") + ":2");
    }

    @Test
    void tablesCodeAndAddressesOfMarkdownMayBeLong(@TempDir Path directory) throws IOException {
        String longer = "a".repeat(COLUMNS_MAX + 1);
        Path file = Files.writeString(directory.resolve("a.md"), """
                | %1$s |
                [%1$s](https://example.org)
                ```
                %1$s
                ```
                %1$s
                """.formatted(longer));

        assertThat(longLines(List.of(file))).containsExactly(file + ":6");
    }

    private static List<String> longLines(List<Path> files) throws IOException {
        List<String> found = new ArrayList<>();
        for (Path file : files) {
            if (CHECKED.contains(TextFiles.suffix(file))) {
                addLongLines(file, found);
            }
        }
        return found;
    }

    private static void addLongLines(Path file, List<String> found) throws IOException {
        boolean markdown = TextFiles.suffix(file).equals("md");
        boolean code = false;
        List<String> lines = Files.readAllLines(file);
        for (int i = 0; i < lines.size(); i++) {
            String line = lines.get(i);
            code ^= line.strip().startsWith("```");
            boolean exempt = markdown && (code || line.startsWith("|") || line.contains("://"));
            if (!exempt && line.codePointCount(0, line.length()) > COLUMNS_MAX) {
                found.add(file + ":" + (i + 1));
            }
        }
    }
}
