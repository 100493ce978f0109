package io.tally.bulk;

import io.tally.counter.IdempotencyKey;
import io.tally.counter.Outcome;
import io.tally.http.Answers;
import io.tally.http.BufferedBodies;
import io.tally.http.Caller;
import io.tally.http.IdempotencyKeys;
import io.tally.http.IncrementRequest;
import io.tally.http.Routes;
import io.tally.http.Routes.Route;
import io.tally.idempotency.KeyScopes;
import io.tally.pipeline.CounterPipeline;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Configuration;
import org.springframework.http.HttpMethod;
import org.springframework.util.unit.DataSize;
import org.springframework.web.reactive.function.server.ServerRequest;
import org.springframework.web.reactive.function.server.ServerResponse;
import reactor.core.publisher.Mono;
import tools.jackson.databind.json.JsonMapper;

/** Increments of several counters, all or none. */
@Configuration(proxyBeanMethods = false)
class TransactionRoutes {

    /** The longest names fit, even fully escaped. */
    private static final DataSize BODY_MAX = DataSize.ofKilobytes(256);

    private final CounterPipeline pipeline;
    private final BufferedBodies bodies;
    private final JsonMapper json;
    private final KeyScopes scopes;

    TransactionRoutes(CounterPipeline pipeline, BufferedBodies bodies, JsonMapper json, KeyScopes scopes) {
        this.pipeline = pipeline;
        this.bodies = bodies;
        this.json = json;
        this.scopes = scopes;
    }

    @Bean
    Route transactionRoute() {
        return Routes.resource("/v1/transactions")
                .onAny(HttpMethod.POST, IncrementRequest.ACTIONS, this::transact)
                .build();
    }

    private Mono<ServerResponse> transact(ServerRequest request) {
        IdempotencyKey own = IdempotencyKeys.of(request, Caller.of(request).scope(IdempotencyKey.TRANSACTIONS));
        TransactionReader reader = new TransactionReader(json, Caller.of(request));
        return bodies.read(request, BODY_MAX, "Send application/json.", bytes -> outcome(reader.read(bytes, own)))
                .flatMap(Answers::of);
    }

    /** In the scope in which the transaction began. */
    private Mono<Outcome> outcome(IncrementRequest transaction) {
        String namespace = transaction.operation().counters().getFirst().namespace();
        return scopes.choose(transaction.key(), IdempotencyKey.TRANSACTIONS, namespace)
                .flatMap(key -> transaction.withKey(key.orElse(null)).outcome(pipeline));
    }
}
