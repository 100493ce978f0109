package io.tally.http;

import static org.assertj.core.api.Assertions.assertThat;

import io.tally.testing.TallyClient;
import io.tally.testing.TallyClient.Answer;
import io.tally.testing.TallyServer;
import java.util.UUID;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import tools.jackson.databind.JsonNode;

/** A time of expiry that has passed, in each request that takes one: refused, and nothing changes. */
@Timeout(60)
class ExpiryPassedIT {

    private static final String PASSED = "{\"expiresAt\":\"2020-01-01T00:00:00Z\"}";

    private final TallyClient client = new TallyClient(TallyServer.shared().uri());
    private final String namespace = "passed-" + UUID.randomUUID();
    private final String counter = "/v1/counters/" + namespace + "/brief";

    private static void assertPassed(Answer refused) {
        assertThat(refused.status()).as(refused.body()).isEqualTo(409);
        assertThat(refused.problem()).isEqualTo("expiry-passed");
        assertThat(refused.json().path("detail").asString()).contains("2020-01-01T00:00:00Z");
        assertThat(refused.header("Retry-After")).isEmpty();
    }

    private void assertNothingCreated() {
        assertThat(client.get("/v1/counters/" + namespace).json().path("items").isEmpty())
                .isTrue();
    }

    private String item(String name) {
        return "{\"namespace\":\"%s\",\"name\":\"%s\",\"delta\":1".formatted(namespace, name);
    }

    @Test
    void creation() {
        assertPassed(client.send("PUT", counter, PASSED));
        assertNothingCreated();
    }

    @Test
    void existingCounterIsFound() {
        client.send("PUT", counter, "");
        Answer found = client.send("PUT", counter, PASSED);
        assertThat(found.status()).isEqualTo(200);
        assertThat(found.json().path("expiresAt").isNull()).isTrue();
    }

    @Test
    void patch() {
        JsonNode before = client.send("PUT", counter, "").json();
        assertPassed(client.send("PATCH", counter, PASSED, "If-Match", "*"));
        assertThat(client.get(counter).json()).isEqualTo(before);
    }

    @Test
    void increment() {
        assertPassed(client.send("POST", counter + "/increments", "{\"delta\":1,\"defaults\":" + PASSED + "}"));
        assertPassed(client.send(
                "POST", counter + "/increments", "{\"delta\":1,\"dryRun\":true,\"defaults\":" + PASSED + "}"));
        assertPassed(client.send(
                "POST", counter + "/increments", "{\"delta\":1,\"atMost\":true,\"defaults\":" + PASSED + "}"));
        assertNothingCreated();
    }

    @Test
    void itemsOfAnArray() {
        JsonNode results = client.send(
                        "POST",
                        "/v1/increments",
                        "[" + item("brief") + ",\"defaults\":" + PASSED + "}," + item("lasting") + "}]")
                .json();
        assertThat(results.path(0).path("problem").path("type").asString()).isEqualTo("/problems/expiry-passed");
        assertThat(results.path(1).path("value").asLong()).isEqualTo(1);
        assertThat(client.get(counter).status()).isEqualTo(404);
    }

    @Test
    void transaction() {
        Answer refused = client.send(
                "POST",
                "/v1/transactions",
                "{\"increments\":[" + item("lasting") + "}," + item("brief") + ",\"defaults\":" + PASSED + "}]}");
        assertPassed(refused);
        assertThat(refused.json().path("item").asInt()).isEqualTo(1);
        assertThat(refused.json().path("name").asString()).isEqualTo("brief");
        assertNothingCreated();
    }
}
