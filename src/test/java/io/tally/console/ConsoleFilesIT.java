package io.tally.console;

import static org.assertj.core.api.Assertions.assertThat;

import io.tally.testing.TallyClient;
import io.tally.testing.TallyClient.Answer;
import io.tally.testing.TallyServer;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;
import java.util.zip.GZIPInputStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

/** The files of the console, as browsers get them. */
@Timeout(60)
class ConsoleFilesIT {

    private static final Path SOURCES = Path.of("src/main/resources/console");
    private static final int PAGE_BYTES_MAX = 120_000;

    private final TallyClient client = new TallyClient(TallyServer.shared().uri());

    static List<String> files() throws IOException {
        try (Stream<Path> files = Files.list(SOURCES)) {
            return Stream.concat(
                            files.map(file -> file.getFileName().toString()),
                            Stream.of("", "uPlot.iife.min.js", "uPlot.min.css"))
                    .sorted()
                    .toList();
        }
    }

    private static HttpResponse<byte[]> compressed(String file) throws Exception {
        try (HttpClient http = HttpClient.newHttpClient()) {
            URI uri = TallyServer.shared().uri().resolve("/console/" + file);
            HttpRequest request = HttpRequest.newBuilder(uri)
                    .header("Accept-Encoding", "gzip, br")
                    .build();
            return http.send(request, BodyHandlers.ofByteArray());
        }
    }

    @ParameterizedTest
    @MethodSource("files")
    void fileIsServed(String file) throws Exception {
        Answer plain = client.get("/console/" + file, "Accept", "text/html");
        assertThat(plain.status()).isEqualTo(200);
        assertThat(plain.header("Content-Security-Policy"))
                .isEqualTo("default-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'");
        assertThat(plain.header("X-Content-Type-Options")).isEqualTo("nosniff");
        assertThat(plain.header("Referrer-Policy")).isEqualTo("same-origin");
        assertThat(plain.header("Cache-Control")).isEqualTo("no-cache");
        assertThat(plain.header("Vary")).isEqualTo("Accept-Encoding");
        assertThat(plain.header("Content-Encoding")).isEmpty();
        assertThat(plain.header("Content-Type")).isEqualTo(type(file));

        HttpResponse<byte[]> coded = compressed(file);
        assertThat(coded.headers().firstValue("Content-Encoding")).contains("gzip");
        assertThat(coded.headers().firstValue("Vary")).contains("Accept-Encoding");
        String tag = coded.headers().firstValue("ETag").orElseThrow();
        assertThat(tag).isNotEqualTo(plain.header("ETag"));
        try (InputStream content = new GZIPInputStream(new ByteArrayInputStream(coded.body()))) {
            assertThat(new String(content.readAllBytes(), StandardCharsets.UTF_8))
                    .isEqualTo(plain.body());
        }
        assertThat(client.get("/console/" + file, "If-None-Match", plain.header("ETag"))
                        .status())
                .isEqualTo(304);
        assertThat(client.get("/console/" + file, "If-None-Match", tag, "Accept-Encoding", "gzip")
                        .status())
                .isEqualTo(304);
        assertThat(client.get("/console/" + file, "If-None-Match", tag).status())
                .isEqualTo(200);
        Answer head = client.send("HEAD", "/console/" + file, "");
        assertThat(head.header("ETag")).isEqualTo(plain.header("ETag"));
    }

    private static String type(String file) {
        return switch (file.substring(file.lastIndexOf('.') + 1)) {
            case "js" -> "text/javascript;charset=UTF-8";
            case "css" -> "text/css;charset=UTF-8";
            case "svg" -> "image/svg+xml";
            case "png" -> "image/png";
            default -> "text/html;charset=UTF-8";
        };
    }

    @Test
    void allOfItIsLight() throws Exception {
        int bytes = 0;
        for (String file : files()) {
            // The page is served under two names.
            bytes += file.isEmpty() ? 0 : compressed(file).body().length;
        }
        assertThat(bytes).isLessThanOrEqualTo(PAGE_BYTES_MAX);
    }

    @Test
    void pathWithoutASlashLeadsToThePageBelowAnyPrefix() {
        Answer moved = client.get("/console");
        assertThat(moved.status()).isEqualTo(308);
        assertThat(moved.header("Location")).isEqualTo("console/");
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "/console/other.js",
                "/console/uPlot.esm.js",
                "/console/package.json",
                "/console/..",
                "/console/.js",
                "/console/a..js",
                "/console/..%2Fapplication.yml",
                "/console/%2e%2e/application.yml",
                "/console/index.html/",
                "/console/index.html;x",
                "/console/sub/index.html",
                "/console//index.html",
                "/console//",
                "/Console/",
                "/console/index%2ehtml",
                "/webjars/uplot/1.6.30/dist/uPlot.min.css"
            })
    void nothingElseIsServed(String path) {
        assertThat(client.get(path).status()).isEqualTo(404);
    }

    @Test
    void pagesLoadNothingFromElsewhere() throws IOException {
        try (Stream<Path> files = Files.list(SOURCES)) {
            for (Path file :
                    (Iterable<Path>) files.filter(name -> name.toString().matches(".*\\.(html|js|css)"))::iterator) {
                assertThat(Files.readString(file))
                        .as("%s", file)
                        .doesNotContain(
                                "src=\"/", "href=\"/", " style=\"", "<style", " onload=", " onclick=", "@import")
                        .doesNotContainPattern("(?:from|import\\() *['\"](?!\\./)")
                        .doesNotContain("localStorage", "sessionStorage", "innerHTML", "eval(");
            }
        }
    }
}
