package io.tally;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Files are as {@code .editorconfig} says: UTF-8, line ends, a final newline, no trailing blanks, no tabs. */
class EditorConfigTest {

    private static final List<String> DIRECTORIES = List.of(".ci", ".github", ".mvn", "k8s", "src");
    private static final List<String> FILES = List.of(
            ".dockerignore",
            ".editorconfig",
            ".gitattributes",
            ".gitignore",
            "LICENSE",
            "README.md",
            "mvnw",
            "mvnw.cmd",
            "pom.xml");

    @Test
    void filesAreAsTheConfigurationSays() throws IOException {
        List<String> complaints = new ArrayList<>();
        for (String directory : DIRECTORIES) {
            complaints.addAll(complaints(Path.of(directory)));
        }
        for (String file : FILES) {
            complaints.addAll(complaints(Path.of(file)));
        }

        assertThat(complaints).isEmpty();
    }

    @Test
    void otherFilesAreFound(@TempDir Path directory) throws IOException {
        Files.writeString(directory.resolve("good.md"), "ü\n");
        Files.writeString(directory.resolve("good.cmd"), "ü\r\n");
        Files.writeString(directory.resolve("latin"), "ü\n", StandardCharsets.ISO_8859_1);
        Files.writeString(directory.resolve("unfinished"), "a");
        Files.writeString(directory.resolve("trailing"), "a \n");
        Files.writeString(directory.resolve("tab"), "\ta\n");
        Files.writeString(directory.resolve("windows"), "a\r\n");
        Files.writeString(directory.resolve("unix.cmd"), "a\n");

        assertThat(complaints(directory))
                .containsExactlyInAnyOrder(
                        directory.resolve("latin") + " is not UTF-8",
                        directory.resolve("unfinished") + " has no newline at its end",
                        directory.resolve("trailing") + ":1 has trailing blanks",
                        directory.resolve("tab") + ":1 has a tab",
                        directory.resolve("windows") + ":1 has another line end",
                        directory.resolve("unix.cmd") + ":1 has another line end");
    }

    private static List<String> complaints(Path root) throws IOException {
        List<String> complaints = new ArrayList<>();
        try (Stream<Path> files = Files.walk(root)) {
            for (Path file : (Iterable<Path>) files.filter(EditorConfigTest::isText)::iterator) {
                try {
                    check(file, Files.readString(file), complaints);
                } catch (CharacterCodingException e) {
                    complaints.add(file + " is not UTF-8");
                }
            }
        }
        return complaints;
    }

    private static boolean isText(Path file) {
        return Files.isRegularFile(file) && !file.toString().matches(".*\\.(gif|gz|ico|jar|jpg|png|pyc|woff2?|zip)");
    }

    private static void check(Path file, String text, List<String> complaints) {
        if (!text.endsWith("\n")) {
            complaints.add(file + " has no newline at its end");
        }
        String lineEnd = file.toString().endsWith(".cmd") ? "\r" : "";
        String[] lines = text.split("\n", -1);
        for (int i = 0; i < lines.length - 1; i++) {
            String line = lines[i].replaceFirst("\r$", "");
            String place = file + ":" + (i + 1);
            if (!lines[i].equals(line + lineEnd)) {
                complaints.add(place + " has another line end");
            }
            if (!line.equals(line.stripTrailing())) {
                complaints.add(place + " has trailing blanks");
            }
            if (line.contains("\t") && !file.endsWith("mvnw")) {
                complaints.add(place + " has a tab");
            }
        }
    }
}
