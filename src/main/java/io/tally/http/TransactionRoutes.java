package io.tally.http;

import io.tally.counter.Command;
import io.tally.counter.IdempotencyKey;
import io.tally.counter.Operation.Transaction;
import io.tally.http.Bodies.Increments;
import io.tally.pipeline.CounterPipeline;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Configuration;
import org.springframework.http.HttpMethod;
import org.springframework.web.reactive.function.server.RouterFunction;
import org.springframework.web.reactive.function.server.ServerRequest;
import org.springframework.web.reactive.function.server.ServerResponse;
import reactor.core.publisher.Mono;

/** Increments of several counters, all or none. */
@Configuration(proxyBeanMethods = false)
class TransactionRoutes {

    private final CounterPipeline pipeline;

    TransactionRoutes(CounterPipeline pipeline) {
        this.pipeline = pipeline;
    }

    @Bean
    RouterFunction<ServerResponse> transactionRouter() {
        return Routes.resource("/v1/transactions")
                .on(HttpMethod.POST, this::transact)
                .build();
    }

    private Mono<ServerResponse> transact(ServerRequest request) {
        Preconditions.requireNone(request);
        IdempotencyKey key = IdempotencyKeys.of(request, IdempotencyKey.ANY_NAMESPACE);
        return Bodies.json(request)
                .switchIfEmpty(Mono.error(Bodies::missing))
                .map(Increments::of)
                .map(body -> Command.of(new Transaction(body.increments()), key))
                .flatMap(pipeline::apply)
                .flatMap(Answers::of);
    }
}
