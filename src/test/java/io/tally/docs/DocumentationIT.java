package io.tally.docs;

import static java.util.stream.Collectors.joining;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.junit.jupiter.api.Assertions.assertAll;

import io.tally.testing.Clients;
import io.tally.testing.Postgres;
import io.tally.testing.TallyServer;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.time.ZoneOffset;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Iterator;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * The documentation's commands, and what they print. Bash and curl run each block of Markdown that begins with
 * {@code ```console run}, against an instance on an empty database, one for each document. {@code …} in a document
 * stands for any text.
 */
@Tag("one-shard") // The documents show what one shard prints.
@Timeout(300)
class DocumentationIT {

    private static final int EXAMPLES_MIN = 40;
    private static final int COMMAND_SECONDS_MAX = 30;

    /** The page whose examples need credentials. */
    private static final String ACCESS = "access.md";

    /** The page whose examples count within one minute, and the seconds of a minute in which they begin. */
    private static final String QUOTAS = "quotas.md";

    private static final int BEGIN_SECONDS_MAX = 40;

    private static final String ROOT_KEY = "0123456789abcdef0123456789abcdef";
    private static final String RUNNABLE = "console run";
    private static final String PROMPT = "$ ";
    private static final String ANY_TEXT = "…";

    /** A command of a document, and what it prints. */
    private record Example(String command, String printed) {

        /** @throws AssertionError if the command prints something else */
        void check(String actual) {
            String regex = Arrays.stream(printed.split(ANY_TEXT, -1))
                    .map(Pattern::quote)
                    .collect(joining(".*?"));
            Pattern expected = Pattern.compile(regex, Pattern.DOTALL);
            assertThat(actual).as("%s%s%nprints%n%s", PROMPT, command, printed).matches(expected);
        }
    }

    static List<Markdown> documents() throws IOException {
        return Markdown.all().stream()
                .filter(document -> !examples(document).isEmpty())
                .toList();
    }

    @ParameterizedTest
    @MethodSource("documents")
    void examplesPrintWhatTheDocumentSays(Markdown document, @TempDir Path directory) throws Exception {
        List<String> settings = new ArrayList<>(List.of("tally.lab.enabled", "true", "tally.watch.interval", "50ms"));
        if (document.toString().endsWith(ACCESS)) {
            settings.addAll(List.of("tally.access.mode", "keys", "tally.access.root-key", ROOT_KEY));
        }
        try (TallyServer server =
                TallyServer.start(Postgres.shared().createDatabase(), settings.toArray(String[]::new))) {
            if (document.toString().endsWith(QUOTAS)) {
                Clients.await("a minute with time left", Duration.ofMinutes(1), DocumentationIT::isMinuteYoung);
            }
            assertAll(examples(document).stream()
                    .map(example -> () -> example.check(output(example.command(), server, directory))));
        }
    }

    private static boolean isMinuteYoung() {
        return Instant.now().atOffset(ZoneOffset.UTC).getSecond() <= BEGIN_SECONDS_MAX;
    }

    @Test
    void thereAreManyExamples() throws IOException {
        assertThat(documents().stream()
                        .mapToInt(document -> examples(document).size())
                        .sum())
                .isGreaterThanOrEqualTo(EXAMPLES_MIN);
    }

    @Test
    void anotherOutputFails() {
        Example example = new Example("curl", "{\"value\":1,\"at\":\"…\"}");
        example.check("{\"value\":1,\"at\":\"2026-11-22T18:57:54Z\"}");
        assertThatThrownBy(() -> example.check("{\"value\":2,\"at\":\"2026-11-22T18:57:54Z\"}"))
                .isInstanceOf(AssertionError.class)
                .hasMessageContaining("curl");
    }

    private static List<Example> examples(Markdown document) {
        List<Example> examples = new ArrayList<>();
        for (List<String> block : document.codeBlocks(RUNNABLE)) {
            addExamples(block.iterator(), examples);
        }
        return examples;
    }

    private static void addExamples(Iterator<String> lines, List<Example> examples) {
        String command = "";
        List<String> printed = new ArrayList<>();
        while (lines.hasNext()) {
            String line = lines.next();
            if (line.startsWith(PROMPT)) {
                add(command, printed, examples);
                printed.clear();
                command = line.substring(PROMPT.length());
                while (command.endsWith("\\") || command.endsWith("|")) {
                    command += "\n" + lines.next();
                }
            } else {
                printed.add(line);
            }
        }
        add(command, printed, examples);
    }

    private static void add(String command, List<String> printed, List<Example> examples) {
        if (!command.isEmpty()) {
            examples.add(new Example(command, String.join("\n", printed)));
        }
    }

    private static String output(String command, TallyServer server, Path directory) throws Exception {
        String local = command.replace("localhost:8080", server.uri().getAuthority())
                .replace("localhost:8081", server.managementUri().getAuthority());
        ProcessBuilder builder = new ProcessBuilder("bash", "-c", local)
                .directory(directory.toFile())
                .redirectError(ProcessBuilder.Redirect.DISCARD);
        builder.environment().put("ROOT", ROOT_KEY);
        Process process = builder.start();
        try {
            String printed = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
            assertThat(process.waitFor(COMMAND_SECONDS_MAX, TimeUnit.SECONDS)).isTrue();
            assertThat(process.exitValue()).as("exit status of %s", local).isZero();
            return printed.replace("\r", "").strip();
        } finally {
            process.destroyForcibly();
        }
    }
}
