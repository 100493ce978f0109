package io.tally.snapshot;

import io.micrometer.core.instrument.MeterRegistry;
import io.tally.counter.IdempotencyKey;
import io.tally.counter.Naming;
import io.tally.http.Action;
import io.tally.http.Bodies;
import io.tally.http.IdempotencyKeys;
import io.tally.http.RequestPath;
import io.tally.http.Routes;
import io.tally.http.Routes.Route;
import io.tally.job.Jobs;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Configuration;
import org.springframework.http.HttpMethod;
import org.springframework.web.reactive.function.server.ServerRequest;
import org.springframework.web.reactive.function.server.ServerResponse;
import reactor.core.publisher.Mono;
import tools.jackson.databind.JsonNode;

/** {@code POST /v1/snapshots/{namespace}}: copy each counter's value to its snapshot value. */
@Configuration(proxyBeanMethods = false)
class SnapshotRoutes {

    private final Snapshots snapshots;

    SnapshotRoutes(Jobs jobs, MeterRegistry registry) {
        this.snapshots = new Snapshots(jobs, registry);
    }

    @Bean
    Route snapshotRoute() {
        return Routes.resource("/v1/snapshots/{namespace}")
                .on(HttpMethod.POST, Action.MANAGE, this::start)
                .build();
    }

    private Mono<ServerResponse> start(ServerRequest request) {
        String namespace = Bodies.checked(() -> Naming.requireNamespace(RequestPath.segment(request, 2)));
        IdempotencyKey key = IdempotencyKeys.of(request, namespace);
        return Bodies.json(request)
                .doOnNext(SnapshotRoutes::requireNothing)
                .then(Mono.defer(() -> snapshots.start(namespace, key)))
                .flatMap(Jobs::answer);
    }

    private static void requireNothing(JsonNode body) {
        if (!Bodies.members(body).isEmpty()) {
            throw Bodies.malformed("The body of a snapshot must be empty or {}.");
        }
    }
}
