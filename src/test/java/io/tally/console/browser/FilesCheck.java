package io.tally.console.browser;

import static com.microsoft.playwright.assertions.PlaywrightAssertions.assertThat;
import static org.assertj.core.api.Assertions.assertThat;

import io.tally.testing.TallyServer;
import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.ExtendWith;

/** The files of the console: their weight, and what a browser shows that runs none of the scripts. */
@Timeout(180)
@ExtendWith(Chromium.class)
class FilesCheck {

    private static final Path FILES = Path.of("src/main/resources/console");

    /** Of the library that draws charts. */
    private static final Set<String> CHARTS = Set.of("uPlot.iife.min.js", "uPlot.min.css");

    /** What a browser loads once, compressed. */
    private static final Path WEIGHTS = Path.of("target", "console", "weights.txt");

    private static final int WEIGHT_MAX_BYTES = 120_000;

    private static final URI SERVER = TallyServer.shared().uri();

    @Test
    void allFilesTogetherAreLight() throws IOException, InterruptedException {
        Map<String, Integer> weights = new TreeMap<>();
        try (HttpClient http = HttpClient.newHttpClient()) {
            for (String file : files()) {
                HttpRequest request = HttpRequest.newBuilder(SERVER.resolve("/console/" + file))
                        .header("Accept-Encoding", "gzip")
                        .build();
                HttpResponse<byte[]> response = http.send(request, BodyHandlers.ofByteArray());
                assertThat(response.statusCode()).as(file).isEqualTo(200);
                weights.put(file, response.body().length);
            }
        }
        int weight = weights.values().stream().mapToInt(Integer::intValue).sum();
        Files.createDirectories(WEIGHTS.getParent());
        Files.writeString(WEIGHTS, weight + " bytes in " + weights.size() + " files: " + weights + "\n");
        assertThat(weight).as(weights.toString()).isLessThanOrEqualTo(WEIGHT_MAX_BYTES);
    }

    /** So that no file is forgotten above. */
    @Test
    void browserLoadsNoOtherFile(People people) throws IOException {
        Person reader = people.person(SERVER);
        Set<String> loaded = new TreeSet<>();
        reader.context().onResponse(response -> {
            String path = URI.create(response.url()).getPath();
            if (path.startsWith("/console/") && !path.equals("/console/status")) {
                loaded.add(path.equals("/console/") ? "index.html" : path.substring("/console/".length()));
            }
        });
        reader.open("/console/");
        assertThat(reader.heading("Books")).isVisible();
        reader.expect(404);
        reader.open("/console/#/counters/files/absent");
        assertThat(reader.main()).containsText("curl");
        assertThat(files()).containsAll(loaded);
        assertThat(loaded).contains("index.html", "main.js", "console.css");
    }

    /** While an instance is replaced, a proxy may have one file and not the next. */
    @Test
    void pageWhoseScriptIsNotLoadedSaysWhatToDo(People people) {
        Person reader = people.person(SERVER);
        reader.expectOutage();
        reader.page().route("**/console/main.js", route -> route.abort());
        reader.open("/console/");
        assertThat(reader.page().getByText("The page is loading. Reload it if this stays."))
                .isVisible();
    }

    private static Set<String> files() throws IOException {
        try (Stream<Path> own = Files.list(FILES)) {
            return Stream.concat(own.map(file -> file.getFileName().toString()), CHARTS.stream())
                    .collect(Collectors.toCollection(TreeSet::new));
        }
    }

    @Test
    void pageWithoutScriptSaysWhatToDo(People people) {
        for (Look look :
                new Look[] {Look.WIDE.withoutScript(), Look.WIDE.withoutScript().narrow()}) {
            Person reader = people.person(SERVER, look);
            reader.open("/console/");
            assertThat(reader.heading("The console needs JavaScript")).isVisible();
            assertThat(reader.page().locator("noscript pre")).isVisible();
            assertThat(reader.page().getByText("The page is loading.")).isHidden();
            assertThat(reader.page().locator("noscript pre").innerText()).contains("curl");
            assertThat(reader.main()
                            .locator("a[href='../docs'], a[href='../openapi.yaml']")
                            .first())
                    .isVisible();
            reader.requireNoOverflow();
            reader.picture("no-script-" + look.width());
        }
    }
}
