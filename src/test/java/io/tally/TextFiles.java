package io.tally;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Set;
import java.util.function.Predicate;
import java.util.stream.Stream;

/** The text files of the project: sources, documents, manifests, scripts and build files. */
final class TextFiles {

    private static final Path ROOT = Path.of("");
    private static final List<String> PLACES =
            List.of(".ci", ".editorconfig", ".github", ".mvn", "README.md", "k8s", "pom.xml", "src");
    private static final Set<String> SUFFIXES = Set.of(
            "c",
            "config",
            "factories",
            "java",
            "json",
            "lua",
            "md",
            "options",
            "properties",
            "py",
            "sql",
            "svg",
            "ts",
            "xml",
            "yaml",
            "yml");

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

    private TextFiles() {}

    /** All text files, except released migrations. */
    static List<Path> all() {
        return PLACES.stream()
                .flatMap(place -> in(ROOT.resolve(place)).stream())
                .toList();
    }

    /** The text files below a directory, or the file itself, except released migrations. */
    static List<Path> in(Path place) {
        try (Stream<Path> files = Files.walk(place)) {
            return files.filter(Files::isRegularFile)
                    .filter(TextFiles::isText)
                    .filter(Predicate.not(TextFiles::isReleased))
                    .sorted()
                    .toList();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** The suffix of a file's name; empty without one, as scripts and the Dockerfile have it. */
    static String suffix(Path file) {
        String name = file.getFileName().toString();
        return name.contains(".") ? name.substring(name.lastIndexOf('.') + 1) : "";
    }

    private static boolean isText(Path file) {
        String suffix = suffix(file);
        return suffix.isEmpty() || SUFFIXES.contains(suffix);
    }

    private static boolean isReleased(Path file) {
        return RELEASED.contains(file.getFileName().toString());
    }
}
