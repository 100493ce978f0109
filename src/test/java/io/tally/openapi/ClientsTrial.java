package io.tally.openapi;

import static org.assertj.core.api.Assertions.assertThat;

import io.tally.testing.Command;
import io.tally.testing.Database;
import io.tally.testing.Postgres;
import io.tally.testing.TallyClient;
import io.tally.testing.TallyServer;
import java.io.File;
import java.io.IOException;
import java.net.URISyntaxException;
import java.net.URL;
import java.net.URLClassLoader;
import java.net.URLEncoder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import tools.jackson.databind.ObjectMapper;

/** Compiles the clients that the profile {@code clients} generates, and runs the programs of {@code src/clients}. */
@Timeout(600)
class ClientsTrial {

    private static final Path SOURCES = Path.of("src/clients").toAbsolutePath();
    private static final Path JAVA = Path.of("target/clients/java").toAbsolutePath();
    private static final Path JAVA_CLASSES = JAVA.resolve("classes");
    private static final Path TYPESCRIPT = Path.of("target/clients/typescript").toAbsolutePath();

    /** A class of each library that the generated Java client needs. */
    private static final List<String> JAVA_LIBRARIES = List.of(
            "com.fasterxml.jackson.annotation.JsonProperty",
            "jakarta.annotation.Generated",
            "org.jspecify.annotations.Nullable",
            "org.openapitools.jackson.nullable.JsonNullable",
            "tools.jackson.core.JsonParser",
            "tools.jackson.databind.ObjectMapper");

    /** A counter as a later version of Tally may send it: of another kind, and with another member. */
    private static final String LATER_COUNTER = """
            {"namespace":"shop","name":"stock","kind":"later","value":3,"version":1,"initial":3,"min":null,"max":null,\
            "createdAt":"2026-11-22T10:00:00.123456Z","updatedAt":"2026-11-22T10:00:00.123456Z","later":true}""";

    /** For a download from npm, and for a program on a busy machine. */
    private static final Duration TIMEOUT = Duration.ofMinutes(4);

    private static final int INCREMENTS = 1_000;
    private static final String CLICKS = "clicks on 50% of a/b, größer";

    private static TallyServer server;

    @BeforeAll
    static void start() throws Exception {
        Database database = Postgres.shared().createDatabase();
        server = TallyServer.start(database);
        compileJava();
        compileTypescript();
    }

    @AfterAll
    static void stop() {
        server.close();
    }

    private static void compileJava() throws Exception {
        List<String> command = new ArrayList<>(List.of(
                jdk("javac"),
                "-J-XX:TieredStopAtLevel=1",
                "--release",
                "17",
                "-d",
                JAVA_CLASSES.toString(),
                "-cp",
                javaLibraries()));
        command.addAll(javaFiles(JAVA.resolve("src/main/java")));
        command.addAll(javaFiles(SOURCES.resolve("java")));
        run(command);
    }

    private static void compileTypescript() throws IOException {
        try (Stream<Path> files = Files.list(SOURCES.resolve("typescript"))) {
            for (Path file : (Iterable<Path>) files::iterator) {
                Files.copy(file, TYPESCRIPT.resolve(file.getFileName()), StandardCopyOption.REPLACE_EXISTING);
            }
        }
        run(List.of("npm", "ci", "--prefix", TYPESCRIPT.toString()));
        run(List.of("npm", "run", "build", "--prefix", TYPESCRIPT.toString()));
    }

    private static String jdk(String program) {
        return Path.of(System.getProperty("java.home"), "bin", program).toString();
    }

    private static String javaLibraries() throws ClassNotFoundException, URISyntaxException {
        List<String> libraries = new ArrayList<>();
        for (String name : JAVA_LIBRARIES) {
            URL library =
                    Class.forName(name).getProtectionDomain().getCodeSource().getLocation();
            libraries.add(Path.of(library.toURI()).toString());
        }
        return String.join(File.pathSeparator, libraries);
    }

    private static List<String> javaFiles(Path directory) throws IOException {
        try (Stream<Path> files = Files.walk(directory)) {
            return files.map(Path::toString)
                    .filter(file -> file.endsWith(".java"))
                    .toList();
        }
    }

    private static String run(List<String> command) {
        Command ended = Command.run(command, TIMEOUT);
        assertThat(ended.succeeded())
                .as("%s: %s", command.stream().limit(5).collect(Collectors.joining(" ")), ended.output())
                .isTrue();
        return ended.output();
    }

    @Test
    void javaCountsExactlyWhileResponsesAreSwallowed() throws Exception {
        String classPath = JAVA_CLASSES + File.pathSeparator + javaLibraries();
        tryProgram("java", List.of(jdk("java"), "-XX:TieredStopAtLevel=1", "-cp", classPath, "Example"));
    }

    @Test
    void typescriptCountsExactlyWhileResponsesAreSwallowed() throws Exception {
        tryProgram(
                "typescript",
                List.of("node", TYPESCRIPT.resolve("out/example.js").toString()));
    }

    private static void tryProgram(String namespace, List<String> program) throws IOException {
        String output;
        try (SwallowingProxy proxy = new SwallowingProxy(server.uri())) {
            List<String> command = new ArrayList<>(program);
            command.add(proxy.uri().toString());
            output = run(command);
            System.out.printf("clients: %s, %d responses swallowed%n", namespace, proxy.swallowed());
            // Every fifth of at least 1,250 responses.
            assertThat(proxy.swallowed()).isGreaterThanOrEqualTo(INCREMENTS / 4);
        }

        assertThat(output.lines().filter(line -> !line.startsWith("The stream broke off")))
                .containsExactly(
                        "kept 9007199254740993",
                        "counted to 1000",
                        "followed to 1000",
                        "uploaded 250",
                        "listed 250 with a sum of 31375");
        TallyClient client = new TallyClient(server.uri());
        assertThat(client.value(namespace + "/"
                        + URLEncoder.encode(CLICKS, StandardCharsets.UTF_8).replace("+", "%20")))
                .isEqualTo(INCREMENTS);
        assertThat(client.value(namespace + "/large")).isEqualTo(9_007_199_254_740_993L);
        assertThat(client.value(namespace + "-items/item-250")).isEqualTo(250);
        client.requireBalancedBooks();
    }

    @Test
    void javaReadsWhatALaterVersionSends() throws Exception {
        URL[] classes = {JAVA_CLASSES.toUri().toURL()};
        try (URLClassLoader loader = new URLClassLoader(classes, ClientsTrial.class.getClassLoader())) {
            Class<?> counter = loader.loadClass("io.tally.client.model.Counter");
            ObjectMapper json = (ObjectMapper) loader.loadClass("io.tally.client.ApiClient")
                    .getMethod("createDefaultObjectMapper")
                    .invoke(null);

            Object read = json.readValue(LATER_COUNTER, counter);

            assertThat(counter.getMethod("getValue").invoke(read)).isEqualTo(3L);
            assertThat(counter.getMethod("getKind").invoke(read)).hasToString("unknown_default_open_api");
        }
    }

    @Test
    void typescriptReadsWhatALaterVersionSends() {
        String script = "import('%s').then(tally => console.log(tally.CounterFromJSON(%s).kind))"
                .formatted(TYPESCRIPT.resolve("out/tally/index.js"), LATER_COUNTER);

        assertThat(run(List.of("node", "--eval", script))).isEqualTo("later");
    }
}
