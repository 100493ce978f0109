package io.tally.http.server;

import static org.assertj.core.api.Assertions.assertThat;

import io.tally.http.Routes.Route;
import io.tally.testing.TallyClient;
import io.tally.testing.TallyClient.Answer;
import io.tally.testing.TallyServer;
import java.util.List;
import java.util.UUID;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.springframework.http.HttpMethod;

/** The management port: the endpoints of Spring Boot Actuator, and none of the API's. */
@Timeout(60) // A live stream that is answered does not end.
class ManagementPortIT {

    private static final TallyServer SERVER = TallyServer.shared();
    private final TallyClient management = new TallyClient(SERVER.managementUri());

    @Test
    void answersNoRouteOfTheApi() {
        List<Route> routes = SERVER.beans(Route.class).toList();
        assertThat(routes).hasSizeGreaterThan(15);
        assertThat(routes.stream()
                        .flatMap(route -> Stream.concat(route.allowed().stream(), Stream.of(HttpMethod.OPTIONS))
                                .map(method -> method + " " + route.pattern() + " "
                                        + management
                                                .send(method.name(), path(route.pattern()), "")
                                                .status())))
                .allMatch(answered -> answered.endsWith(" 404"));
    }

    @Test
    void countsNothing() {
        String counter = "management/" + UUID.randomUUID();
        assertThat(management.increment(counter, 1).status()).isEqualTo(404);
        assertThat(new TallyClient(SERVER.uri()).get("/v1/counters/" + counter).status())
                .isEqualTo(404);
    }

    @ParameterizedTest
    @ValueSource(strings = {"/actuator/health", "/actuator/info", "/actuator/prometheus"})
    void answersItsEndpoints(String path) {
        Answer answer = management.get(path);
        assertThat(answer.status()).as(answer.body()).isEqualTo(200);
    }

    private static String path(String pattern) {
        return pattern.replaceAll("\\{[^}]+}", "a");
    }
}
