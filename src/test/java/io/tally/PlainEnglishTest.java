package io.tally;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Texts name the actor and use the terms of the field, instead of the phrases below. */
class PlainEnglishTest {

    private static final List<String> PHRASES = List.of(
            "whoever",
            "whomever",
            "somebody",
            "nobody",
            "anybody",
            "whatever",
            "that which",
            "take leave",
            "taking leave",
            "without a word",
            "met with trouble",
            "is told",
            "are told",
            "be told",
            "as it was left",
            "came of",
            "became of");

    /** White space, and what a line break adds to it: the marks of comments, and of joined strings. */
    private static final String BREAK = "[\\s*/#\"+|>-]+";

    /** Whole words, but not the name of a method, such as one of the JDK. */
    private static final Pattern AVOIDED = Pattern.compile(
            PHRASES.stream()
                    .map(phrase -> Arrays.stream(phrase.split(" ")).collect(Collectors.joining(BREAK)))
                    .collect(Collectors.joining("|", "\\b(?:", ")\\b(?!\\()")),
            Pattern.CASE_INSENSITIVE);

    /** In Markdown, quotations and code belong to someone else. */
    private static final Pattern QUOTED = Pattern.compile("\"[^\"\n]*\"|`[^`\n]*`|(?m)^> .*$");

    /** This list of phrases. */
    private static final Path EXCLUDED = Path.of("src/test/java/io/tally/PlainEnglishTest.java");

    @Test
    void avoidedPhrasesDoNotOccur() throws IOException {
        List<String> found = new ArrayList<>();
        for (Path file : TextFiles.all()) {
            if (!file.equals(EXCLUDED)) {
                found.addAll(avoided(file));
            }
        }

        assertThat(found).isEmpty();
    }

    @Test
    void phrasesAreFoundAcrossLines(@TempDir Path directory) throws IOException {
        Path java = write(directory, "A.java", """
                // Nobody asks.
                /** The client is
                 * told. */
                String text = "What came "
                        + "of it";
                BodyPublishers.noBody();
                """);
        Path markdown = write(directory, "a.md", """
                He said "somebody", and `whatever`.
                > Whoever.
                Without a
                word.
                """);

        assertThat(avoided(java)).containsExactly(java + ":1: Nobody", java + ":2: is told", java + ":4: came of");
        assertThat(avoided(markdown)).containsExactly(markdown + ":3: Without a word");
    }

    private static Path write(Path directory, String name, String text) throws IOException {
        return Files.writeString(directory.resolve(name), text);
    }

    private static List<String> avoided(Path file) throws IOException {
        String text = Files.readString(file);
        if (TextFiles.suffix(file).equals("md")) {
            text = QUOTED.matcher(text)
                    .replaceAll(quoted -> " ".repeat(quoted.group().length()));
        }
        Matcher matcher = AVOIDED.matcher(text);
        List<String> found = new ArrayList<>();
        while (matcher.find()) {
            found.add(file + ":" + line(text, matcher.start()) + ": "
                    + matcher.group().replaceAll(BREAK, " "));
        }
        return found;
    }

    private static long line(String text, int index) {
        return text.substring(0, index).chars().filter(c -> c == '\n').count() + 1;
    }
}
