package io.tally.http.server;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowable;

import io.tally.StartupException;
import io.tally.testing.Postgres;
import io.tally.testing.TallyClient;
import io.tally.testing.TallyClient.Answer;
import io.tally.testing.TallyServer;
import java.util.List;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.springframework.boot.context.properties.bind.Binder;
import org.springframework.boot.context.properties.source.MapConfigurationPropertySource;
import org.springframework.core.NestedExceptionUtils;

/** Pages of configured origins, as their browsers see the API. */
@Timeout(120)
class CorsIT {

    private static final String SHOP = "https://shop.example";
    private static final String ALLOW_ORIGIN = "Access-Control-Allow-Origin";
    private static final String ROOT = "Bearer 0123456789abcdef0123456789abcdef";
    private static final String INCREMENTS = "/v1/counters/pages/likes/increments";

    private static TallyServer server;
    private static TallyClient client;

    @BeforeAll
    static void start() throws Exception {
        server = TallyServer.start(
                Postgres.shared().createDatabase(),
                "tally.http.cors.origins",
                SHOP + ",http://localhost:3000",
                "tally.access.mode",
                "keys",
                "tally.access.root-key",
                ROOT.substring("Bearer ".length()));
        client = new TallyClient(server.uri());
    }

    @AfterAll
    static void stop() {
        server.close();
    }

    private static Answer preflight(TallyClient of, String origin, String method, String fields) {
        return of.send(
                "OPTIONS",
                INCREMENTS,
                "",
                "Origin",
                origin,
                "Access-Control-Request-Method",
                method,
                "Access-Control-Request-Headers",
                fields);
    }

    @ParameterizedTest
    @ValueSource(strings = {SHOP, "http://localhost:3000"})
    void aPreflightNeedsNoCredentials(String origin) {
        Answer answer = preflight(client, origin, "POST", "authorization,content-type,idempotency-key");
        assertThat(answer.status()).isEqualTo(204);
        assertThat(answer.body()).isEmpty();
        assertThat(answer.header(ALLOW_ORIGIN)).isEqualTo(origin);
        assertThat(answer.header("Access-Control-Allow-Methods"))
                .contains("POST")
                .contains("PATCH");
        assertThat(answer.header("Access-Control-Allow-Headers"))
                .isEqualToIgnoringCase("authorization, content-type, idempotency-key");
        assertThat(answer.header("Access-Control-Max-Age")).isEqualTo("3600");
        assertThat(answer.header("Access-Control-Allow-Credentials")).isEmpty();
        assertThat(answer.headers().allValues("Vary")).contains("Origin");
    }

    @ParameterizedTest
    @CsvSource({
        "https://shop.example.evil.example, POST, content-type",
        "http://shop.example, POST, content-type",
        "https://shop.example:8443, POST, content-type",
        "null, POST, content-type",
        "?, POST, content-type",
        "https://shop.example, TRACE, content-type",
        "https://shop.example, POST, x-secret"
    })
    void otherPreflightsAreRefused(String origin, String method, String fields) {
        Answer answer = preflight(client, origin, method, fields);
        assertThat(answer.status()).isEqualTo(403);
        assertThat(answer.problem()).isEqualTo("origin-refused");
        assertThat(answer.header(ALLOW_ORIGIN)).isEmpty();
    }

    @Test
    void aPageReadsTheResponseAndItsFields() {
        Answer answer = client.increment("pages/read", 1, "Origin", SHOP, "Authorization", ROOT);
        assertThat(answer.status()).isEqualTo(200);
        assertThat(answer.json().path("value").asLong()).isEqualTo(1);
        assertThat(answer.header(ALLOW_ORIGIN)).isEqualTo(SHOP);
        assertThat(answer.header("ETag")).isNotEmpty();
        assertThat(answer.header("Access-Control-Expose-Headers"))
                .contains("ETag")
                .contains("Location")
                .contains("Idempotency-Replayed")
                .contains("Retry-After")
                .contains("RateLimit")
                .contains("Preference-Applied")
                .contains("X-Request-Id");
    }

    @Test
    void theFieldsOfARouteRemain() {
        client.increment("pages/list", 1, "Authorization", ROOT);
        Answer answer = client.get("/v1/counters/pages", "Origin", SHOP, "Authorization", ROOT);
        assertThat(answer.status()).isEqualTo(200);
        assertThat(answer.header(ALLOW_ORIGIN)).isEqualTo(SHOP);
        assertThat(answer.headers().allValues(ALLOW_ORIGIN)).hasSize(1);
        assertThat(String.join(",", answer.headers().allValues("Vary")))
                .contains("Accept-Encoding")
                .contains("Origin");
    }

    @Test
    void aPageOfAnotherOriginChangesNothing() {
        Answer answer = client.increment("pages/foreign", 1, "Origin", "https://evil.example", "Authorization", ROOT);
        assertThat(answer.status()).isEqualTo(403);
        assertThat(answer.problem()).isEqualTo("origin-refused");
        assertThat(answer.header(ALLOW_ORIGIN)).isEmpty();
        assertThat(client.get("/v1/counters/pages/foreign", "Authorization", ROOT)
                        .status())
                .isEqualTo(404);
    }

    @Test
    void aPageReadsRefusals() {
        List<Answer> refusals = List.of(
                client.increment("pages/a", 1, "Origin", SHOP, "X-Request-Id", "r-1"),
                client.get("/v1/counters/pages/absent", "Origin", SHOP, "Authorization", ROOT),
                client.send("POST", INCREMENTS, "?", "Origin", SHOP, "Authorization", ROOT),
                client.send("DELETE", INCREMENTS, "", "Origin", SHOP, "Authorization", ROOT));
        assertThat(refusals.stream().map(Answer::status)).containsExactly(401, 404, 400, 405);
        assertThat(refusals)
                .allSatisfy(answer -> assertThat(answer.header(ALLOW_ORIGIN)).isEqualTo(SHOP))
                .allSatisfy(answer -> assertThat(answer.header("Access-Control-Expose-Headers"))
                        .contains("X-Request-Id"));
        assertThat(refusals.getFirst().header("X-Request-Id")).isEqualTo("r-1");
        assertThat(refusals.getFirst().header("WWW-Authenticate")).startsWith("Bearer");
    }

    @Test
    void requestsWithoutAnOriginAndOfTallysOwnPagesAreNone() {
        Answer direct = client.increment("pages/plain", 1, "Authorization", ROOT);
        Answer own = client.increment("pages/plain", 1, "Origin", server.uri().toString(), "Authorization", ROOT);
        for (Answer answer : List.of(direct, own)) {
            assertThat(answer.status()).isEqualTo(200);
            assertThat(answer.header(ALLOW_ORIGIN)).isEmpty();
        }
    }

    @Test
    void theManagementPortIsNotForPages() {
        Answer health = new TallyClient(server.managementUri()).get("/actuator/health", "Origin", SHOP);
        assertThat(health.status()).isEqualTo(200);
        assertThat(health.header(ALLOW_ORIGIN)).isEmpty();
    }

    @Test
    void withoutOriginsNothingIsAdded() {
        TallyClient closed = new TallyClient(TallyServer.shared().uri());
        Answer increment = closed.increment("pages/closed", 1, "Origin", SHOP);
        assertThat(increment.status()).isEqualTo(200);
        assertThat(increment.header(ALLOW_ORIGIN)).isEmpty();
        assertThat(increment.header("Vary")).isEmpty();
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                INCREMENTS,
                "/v1/counters/pages/likes",
                "/v1/increments",
                "/v1/audits",
                "/v1/unheard-of",
                "/livez",
                "/docs",
                "/openapi.json"
            })
    void withoutOriginsPreflightsAreRefused(String path) {
        TallyClient closed = new TallyClient(TallyServer.shared().uri());
        Answer preflight = closed.send("OPTIONS", path, "", "Origin", SHOP, "Access-Control-Request-Method", "POST");
        assertThat(preflight.status()).isEqualTo(403);
        assertThat(preflight.problem()).isEqualTo("origin-refused");
        assertThat(preflight.header(ALLOW_ORIGIN)).isEmpty();
        assertThat(preflight.header("Access-Control-Allow-Methods")).isEmpty();
        // No browser sends these.
        for (String[] fields : List.of(
                new String[] {"Origin", SHOP},
                new String[] {"Access-Control-Request-Method", "POST"},
                new String[] {})) {
            Answer options = closed.send("OPTIONS", path, "", fields);
            assertThat(options.status()).isIn(path.equals("/v1/unheard-of") ? List.of(404) : List.of(200, 204));
            assertThat(options.header("Allow").isEmpty()).isEqualTo(options.status() == 404);
        }
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "*",
                "shop.example",
                "https://shop.example/",
                "https://shop.example/cart",
                "https://shop.example?a",
                "https://a@shop.example",
                "https://Shop.example",
                "https://shop.example:443",
                "https://*.shop.example",
                "https://shop example",
                "null"
            })
    void otherFormsOfOriginsEndTheStart(String origin) {
        MapConfigurationPropertySource source = new MapConfigurationPropertySource();
        source.put("tally.http.cors.origins[0]", SHOP);
        source.put("tally.http.cors.origins[1]", origin);
        Throwable failure = catchThrowable(() -> new Binder(source).bind("tally.http.cors", CorsProperties.class));
        assertThat(NestedExceptionUtils.getMostSpecificCause(failure))
                .isInstanceOf(StartupException.class)
                .hasMessageContaining("tally.http.cors.origins contains '" + origin + "'");
    }
}
