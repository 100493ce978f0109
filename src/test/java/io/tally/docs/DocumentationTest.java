package io.tally.docs;

import static org.assertj.core.api.Assertions.assertThat;

import io.tally.testing.Yaml;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import java.util.regex.MatchResult;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import tools.jackson.databind.JsonNode;

/** Links that lead somewhere, tables with every setting and page, and programs as they are. */
class DocumentationTest {

    private static final int README_LINES_MAX = 180;
    private static final int README_BYTES_MAX = 14 << 10;
    private static final Pattern KEY =
            Pattern.compile("^\\| `(tally\\.[a-z.-]+)`((?: · `[a-z-]+`)*) \\|", Pattern.MULTILINE);

    static List<Markdown> files() throws IOException {
        return Markdown.all();
    }

    @ParameterizedTest
    @MethodSource("files")
    void linksLeadSomewhere(Markdown markdown) {
        assertThat(markdown.destinations()).allSatisfy(destination -> {
            URI uri = URI.create(destination);
            if (uri.getScheme() == null) {
                Path target = uri.getPath().isEmpty()
                        ? markdown.file()
                        : markdown.file().resolveSibling(uri.getPath()).normalize();
                assertThat(target).exists();
                if (uri.getFragment() != null) {
                    assertThat(Markdown.read(target).anchors()).contains(uri.getFragment());
                }
            }
        });
    }

    /** The quick start, {@code spring-boot:test-run}, refuses to choose between several main classes. */
    @Test
    void theTestsHaveOneMainClass() throws IOException {
        try (Stream<Path> sources = Files.walk(Path.of("src/test/java"))) {
            assertThat(sources.filter(Files::isRegularFile).filter(DocumentationTest::hasMain))
                    .containsExactly(Path.of("src/test/java/io/tally/TestTallyApplication.java"));
        }
    }

    private static boolean hasMain(Path source) {
        try {
            return Files.readAllLines(source).stream().anyMatch(line -> line.contains(" static void main" + "("));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    @Test
    void readmeIsShort() throws IOException {
        Path readme = Path.of("README.md");
        assertThat(Files.readAllLines(readme)).hasSizeLessThanOrEqualTo(README_LINES_MAX);
        assertThat(Files.size(readme)).isLessThanOrEqualTo(README_BYTES_MAX);
    }

    @Test
    void readmeLinksEveryPage() throws IOException {
        try (Stream<Path> pages = Files.list(Path.of("src/docs"))) {
            assertThat(Markdown.read(Path.of("README.md")).destinations())
                    .containsAll(pages.map(Path::toString)
                            .filter(page -> page.endsWith(".md"))
                            .toList());
        }
    }

    @Test
    void everySettingIsInTheTable() throws IOException {
        Set<String> documented = KEY.matcher(Files.readString(Path.of("src/docs/configuration.md")))
                .results()
                .flatMap(DocumentationTest::keys)
                .collect(Collectors.toCollection(TreeSet::new));
        // Without a default.
        Set<String> settings = new TreeSet<>(Set.of(
                "tally.access.jwt.audience",
                "tally.access.jwt.grants",
                "tally.access.jwt.issuer-uri",
                "tally.access.jwt.jwk-set-uri",
                "tally.access.jwt.ssl-bundle",
                "tally.access.jwt.token-file",
                "tally.access.mode",
                "tally.access.root-key",
                "tally.database.url",
                "tally.database.username",
                "tally.database.password",
                "tally.pipeline.lanes"));
        JsonNode file = Yaml.read(Path.of("src/main/resources/application.yml")).getFirst();
        settings("tally", file.path("tally")).forEach(settings::add);
        assertThat(documented).isEqualTo(settings);
    }

    @Test
    void clientsShowThePrograms() throws IOException {
        Markdown clients = Markdown.read(Path.of("src/docs/clients.md"));

        assertThat(clients.codeBlocks("java")).containsExactlyInAnyOrderElementsOf(programs("java", ".java"));
        assertThat(clients.codeBlocks("typescript")).containsExactlyInAnyOrderElementsOf(programs("typescript", ".ts"));
    }

    private static List<List<String>> programs(String language, String suffix) throws IOException {
        List<List<String>> programs = new ArrayList<>();
        try (Stream<Path> files = Files.list(Path.of("src/clients", language))) {
            for (Path file :
                    (Iterable<Path>) files.filter(name -> name.toString().endsWith(suffix))::iterator) {
                programs.add(Files.readAllLines(file));
            }
        }
        return programs;
    }

    private static Stream<String> settings(String key, JsonNode value) {
        return value.isObject()
                ? value.properties().stream()
                        .flatMap(member -> settings(key + "." + member.getKey(), member.getValue()))
                : Stream.of(key);
    }

    /** A key, and those that stand beside it with their last part only. */
    private static Stream<String> keys(MatchResult cell) {
        String room = cell.group(1).substring(0, cell.group(1).lastIndexOf('.') + 1);
        return Stream.concat(
                Stream.of(cell.group(1)),
                Pattern.compile("`([a-z-]+)`").matcher(cell.group(2)).results().map(name -> room + name.group(1)));
    }
}
