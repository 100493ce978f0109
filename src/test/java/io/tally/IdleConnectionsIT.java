package io.tally;

import static org.assertj.core.api.Assertions.assertThat;

import io.tally.testing.Clients;
import io.tally.testing.Database;
import io.tally.testing.Postgres;
import io.tally.testing.TallyClient;
import io.tally.testing.TallyClient.Answer;
import io.tally.testing.TallyServer;
import io.tally.testing.WireProxy;
import java.net.URI;
import java.sql.SQLException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Supplier;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** A firewall that forgets silent connections, or a database that goes away in silence, is found before a caller is. */
@Timeout(300)
class IdleConnectionsIT {

    /** Ten seconds of silence, a probe, and the time-out of a statement that went into the void. */
    private static final Duration FOUND_MAX = Duration.ofSeconds(25);

    private static final Duration ANSWERED_MAX = Duration.ofSeconds(3);

    private WireProxy proxy;
    private TallyServer server;
    private TallyClient client;
    private TallyClient management;

    @BeforeEach
    void start() throws SQLException {
        Database database = Postgres.shared().createDatabase();
        URI address = URI.create(database.url());
        proxy = new WireProxy(address.getHost(), address.getPort());
        // A statement that is on its way has its own time-out, which is long for audits.
        server = TallyServer.start(proxy.through(database), "tally.audit.interval", "1h", "tally.audit.timeout", "5s");
        client = new TallyClient(server.uri());
        management = new TallyClient(server.managementUri());
    }

    @AfterEach
    void stop() {
        server.close();
        proxy.close();
    }

    private Map<String, Supplier<Answer>> requests() {
        Map<String, Supplier<Answer>> requests = new LinkedHashMap<>();
        for (int i = 0; i < 8; i++) {
            String counter = "idle/" + i;
            requests.put("increment " + counter, () -> client.increment(counter, 1));
        }
        requests.put("read", () -> client.get("/v1/counters/idle/1"));
        requests.put("list", () -> client.get("/v1/counters/idle?sort=-value"));
        requests.put("name", () -> client.send("POST", "/v1/names/idle", "[\"x\"]"));
        requests.put("token", () -> client.post("/v1/tokens/idle"));
        requests.put("audit", () -> client.post("/v1/audits"));
        return requests;
    }

    private boolean isHealthy() {
        return management.get("/actuator/health").status() == 200;
    }

    @Test
    void aForgottenConnectionIsReplacedBeforeItIsUsed() throws Exception {
        requests()
                .forEach((name, request) ->
                        assertThat(request.get().status()).as(name).isBetween(200, 202));
        proxy.forget();
        assertThat(proxy.forgotten()).isPositive();
        Clients.await("no forgotten connection is left", FOUND_MAX, () -> proxy.forgotten() == 0);

        List<String> failed = new ArrayList<>();
        requests().forEach((name, request) -> {
            long start = System.nanoTime();
            Answer answer = request.get();
            Duration took = Duration.ofNanos(System.nanoTime() - start);
            if (answer.status() > 202 || took.compareTo(ANSWERED_MAX) > 0) {
                failed.add(name + ": " + answer.status() + " after " + took);
            }
        });
        assertThat(failed).isEmpty();
        client.requireBalancedBooks();
        assertThat(isHealthy()).isTrue();
    }

    @Test
    void healthShowsADatabaseThatGoesAwayInSilence() throws Exception {
        assertThat(client.increment("idle/a", 1).status()).isEqualTo(200);
        assertThat(isHealthy()).isTrue();
        proxy.forget();
        proxy.refuse();
        Clients.await("health is down", FOUND_MAX, () -> !isHealthy());
        proxy.admit();
        Clients.await("health is up", FOUND_MAX, this::isHealthy);
        assertThat(client.increment("idle/a", 1).json().path("value").asLong()).isEqualTo(2);
    }
}
