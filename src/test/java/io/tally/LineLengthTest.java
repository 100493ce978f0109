package io.tally;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Lines of Java and SQL have at most 120 columns. The formatter leaves longer comments and strings as they are. */
class LineLengthTest {

    private static final int COLUMNS_MAX = 120;

    /** Released migrations: Flyway refuses a database whose migrations have another checksum. */
    private static final Set<String> RELEASED = Set.of(
            "V1__counters_and_writers.sql",
            "V2__idempotency_keys.sql",
            "V3__members.sql",
            "V4__names.sql",
            "V5__tokens.sql",
            "V6__jobs.sql",
            "V7__ranking.sql",
            "V8__lab_runs.sql");

    @Test
    void linesFit() throws IOException {
        assertThat(longLines(Path.of("src"))).isEmpty();
    }

    @Test
    void longLinesAreFound(@TempDir Path directory) throws IOException {
        String longest = "ü".repeat(COLUMNS_MAX);
        for (String name : List.of("A.java", "V1__a.sql", "V1__counters_and_writers.sql", "a.txt")) {
            Files.writeString(directory.resolve(name), longest + "\n" + longest + "+\n");
        }

        assertThat(longLines(directory))
                .containsExactlyInAnyOrder(directory.resolve("A.java") + ":2", directory.resolve("V1__a.sql") + ":2");
    }

    private static List<String> longLines(Path directory) throws IOException {
        List<String> found = new ArrayList<>();
        try (Stream<Path> files = Files.walk(directory)) {
            for (Path file : (Iterable<Path>) files.filter(LineLengthTest::isChecked)::iterator) {
                List<String> lines = Files.readAllLines(file);
                for (int i = 0; i < lines.size(); i++) {
                    if (lines.get(i).codePointCount(0, lines.get(i).length()) > COLUMNS_MAX) {
                        found.add(file + ":" + (i + 1));
                    }
                }
            }
        }
        return found;
    }

    private static boolean isChecked(Path file) {
        String name = file.getFileName().toString();
        return (name.endsWith(".java") || name.endsWith(".sql")) && !RELEASED.contains(name);
    }
}
