package io.tally.openapi;

import static org.assertj.core.api.Assertions.assertThat;

import io.tally.http.Routes.Route;
import io.tally.testing.Contract;
import io.tally.testing.Postgres;
import io.tally.testing.TallyClient;
import io.tally.testing.TallyClient.Answer;
import io.tally.testing.TallyServer;
import io.tally.testing.Yaml;
import java.io.IOException;
import java.nio.file.Files;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.springframework.http.HttpMethod;
import tools.jackson.databind.JsonNode;

/** The OpenAPI file as it is served, the page that shows it, and the routes that it names. */
@Timeout(60)
class OpenApiIT {

    private static final Set<String> PROBES = Set.of("/livez", "/readyz");

    private static final String ROOT_KEY = "root-".repeat(8);

    private static TallyServer server;
    private static TallyClient client;

    @BeforeAll
    static void start() throws Exception {
        server = TallyServer.start(
                Postgres.shared().createDatabase(),
                "tally.lab.enabled",
                "true",
                "tally.access.mode",
                "keys",
                "tally.access.root-key",
                ROOT_KEY);
        client = new TallyClient(server.uri(), "Authorization", "Bearer " + ROOT_KEY);
    }

    @AfterAll
    static void stop() {
        server.close();
    }

    @Test
    void fileAndRoutesNameTheSameMethods() {
        Map<String, Set<String>> described = new TreeMap<>();
        Contract.shared().api().getPaths().forEach((path, item) -> {
            Set<String> methods = new TreeSet<>();
            item.readOperationsMap().keySet().forEach(method -> methods.add(method.name()));
            if (methods.contains("GET")) {
                methods.add("HEAD");
            }
            methods.add("OPTIONS");
            described.put(path, methods);
        });
        assertThat(described.keySet()).containsAll(PROBES);
        described.keySet().removeAll(PROBES);
        Map<String, Set<String>> routed = new TreeMap<>();
        server.beans(Route.class).forEach(route -> {
            Set<String> methods = new TreeSet<>();
            route.allowed().stream().map(HttpMethod::name).forEach(methods::add);
            routed.put(route.pattern(), methods);
        });
        // No part of the API: it may change with each release.
        routed.keySet().removeIf(path -> path.startsWith("/console"));
        assertThat(described).isEqualTo(routed);
    }

    @Test
    void fileIsServedAsItIsAndAsJson() throws IOException {
        Answer yaml = client.get("/openapi.yaml");
        assertThat(yaml.status()).isEqualTo(200);
        assertThat(yaml.header("Content-Type")).isEqualTo("application/yaml");
        assertThat(yaml.body()).isEqualTo(Files.readString(Contract.FILE));
        Answer json = client.get("/openapi.json");
        assertThat(json.status()).isEqualTo(200);
        assertThat(json.json()).isEqualTo(Yaml.object(yaml.body()));
    }

    /** Each example of a problem has the title and the status of its page. */
    @Test
    void examplesOfProblemsHaveTheirTitles() throws IOException {
        JsonNode file = Yaml.object(Files.readString(Contract.FILE));
        List<JsonNode> problems = Stream.of("example", "value")
                .flatMap(name -> file.findValues(name).stream())
                .filter(example -> example.path("type").asString("").startsWith("/problems/"))
                .toList();
        assertThat(problems).hasSizeGreaterThan(30).allSatisfy(problem -> {
            String page = client.get(problem.path("type").asString()).body();
            assertThat(page)
                    .startsWith("%s (%d)"
                            .formatted(
                                    problem.path("title").asString(),
                                    problem.path("status").asInt()));
        });
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "/openapi.yaml",
                "/openapi.json",
                "/docs",
                "/docs/docs.js",
                "/docs/swagger-ui.css",
                "/docs/swagger-ui-bundle.js",
                "/docs/favicon-32x32.png"
            })
    void cachesKeepFilesAndAsk(String path) {
        Answer answer = client.get(path);
        assertThat(answer.status()).isEqualTo(200);
        assertThat(answer.header("Cache-Control")).isEqualTo("no-cache");
        assertThat(client.get(path, "If-None-Match", answer.header("ETag")).status())
                .isEqualTo(304);
        assertThat(client.get(path, "If-None-Match", "\"0\"").status()).isEqualTo(200);
    }

    @Test
    void pageLoadsItsOwnFilesByRelativeUrls() {
        Answer page = client.get("/docs", "Accept", "text/html,application/xhtml+xml,*/*;q=0.8");
        assertThat(page.header("Content-Type")).isEqualTo("text/html;charset=UTF-8");
        assertThat(page.header("Content-Security-Policy")).startsWith("default-src 'self'; img-src 'self' data:;");
        assertThat(page.header("X-Content-Type-Options")).isEqualTo("nosniff");
        Matcher urls = Pattern.compile("(?:src|href)=\"([^\"]+)\"").matcher(page.body());
        List<String> found = urls.results().map(url -> url.group(1)).toList();
        assertThat(found).hasSizeGreaterThan(4);
        for (String url : found) {
            assertThat(url).doesNotStartWith("/");
            // As a browser resolves it, below any prefix.
            assertThat(client.get("/" + url).status()).as(url).isEqualTo(200);
        }
        assertThat(client.get("/docs/swagger-ui-bundle.js").body()).contains("SwaggerUIBundle");
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "/docs/index.html",
                "/docs/swagger-ui.js",
                "/docs/..%2Fapplication.yml",
                "/webjars/swagger-ui/5.34.1/index.html",
                "/webjars/swagger-ui/swagger-ui.css"
            })
    void nothingElseOfTheLibraryIsServed(String path) {
        assertThat(client.get(path).status()).isEqualTo(404);
    }
}
