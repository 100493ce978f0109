package io.tally.testing;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.time.Duration;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/** A client that waits for its answers: for tests that run many of them on virtual threads. */
public final class TallyClient {

    private static final JsonMapper JSON = new JsonMapper();
    private static final Duration PATIENCE = Duration.ofMinutes(5);

    private final HttpClient http = HttpClient.newBuilder()
            .version(HttpClient.Version.HTTP_1_1)
            .connectTimeout(PATIENCE)
            .build();
    private final URI server;
    private final String[] common;

    /** A client of that server. Each request has these headers, as name, value, name, value. */
    public TallyClient(URI server, String... common) {
        this.server = server;
        this.common = common.clone();
    }

    /** An answer. */
    public record Answer(int status, String body, java.net.http.HttpHeaders headers) {

        /** The body as JSON. */
        public JsonNode json() {
            return JSON.readTree(body);
        }

        /** A header field, or nothing. */
        public String header(String name) {
            return headers.firstValue(name).orElse("");
        }

        /** The last segment of a problem's type. */
        public String problem() {
            String type = json().path("type").asString("");
            return type.substring(type.lastIndexOf('/') + 1);
        }
    }

    /** Sends a request with a JSON body; an empty text is no body. Headers as name, value, name, value. */
    public Answer send(String method, String path, String body, String... headers) {
        HttpRequest.Builder request = HttpRequest.newBuilder(server.resolve(path))
                .timeout(PATIENCE)
                .method(method, body.isEmpty() ? BodyPublishers.noBody() : BodyPublishers.ofString(body));
        if (!body.isEmpty()) {
            request.setHeader("Content-Type", "application/json");
        }
        for (int i = 0; i < common.length; i += 2) {
            request.setHeader(common[i], common[i + 1]);
        }
        for (int i = 0; i < headers.length; i += 2) {
            request.setHeader(headers[i], headers[i + 1]);
        }
        try {
            HttpRequest sent = request.build();
            HttpResponse<String> response = http.send(sent, BodyHandlers.ofString());
            Contract.check(
                    server,
                    Exchange.of(
                            method,
                            sent.uri(),
                            sent.headers().map(),
                            body,
                            response.statusCode(),
                            response.headers().map(),
                            response.body()));
            return new Answer(response.statusCode(), response.body(), response.headers());
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IllegalStateException(e);
        }
    }

    /** GET. */
    public Answer get(String path, String... headers) {
        return send("GET", path, "", headers);
    }

    /** POST without a body. */
    public Answer post(String path) {
        return send("POST", path, "");
    }

    /** POST of an increment. */
    public Answer increment(String counter, long delta, String... headers) {
        return send("POST", "/v1/counters/" + counter + "/increments", "{\"delta\":" + delta + "}", headers);
    }

    /** PUT of a counter. */
    public Answer put(String counter, String body, String... headers) {
        return send("PUT", "/v1/counters/" + counter, body, headers);
    }

    /** Has the books compared, and fails unless they balance. */
    public void requireBalancedBooks() {
        Answer audit = post("/v1/audits");
        assertThat(audit.status()).isEqualTo(200);
        assertThat(audit.json().path("drift").asLong()).as("drift").isZero();
        assertThat(audit.json().path("lostOperations").asLong())
                .as("lost operations")
                .isZero();
    }

    /** The value of a counter that exists. */
    public long value(String counter) {
        return get("/v1/counters/" + counter).json().path("value").asLong();
    }
}
