package io.tally.http;

import io.tally.counter.Counter;
import io.tally.counter.CounterId;
import io.tally.counter.Operation.Amend;
import io.tally.counter.Operation.Create;
import io.tally.counter.Operation.Delete;
import io.tally.counter.Operation.Increment;
import io.tally.counter.Outcome;
import io.tally.counter.Outcome.Amended;
import io.tally.counter.Outcome.Created;
import io.tally.counter.Outcome.Deleted;
import io.tally.counter.Outcome.Found;
import io.tally.counter.Outcome.Incremented;
import io.tally.counter.Precondition;
import io.tally.http.Bodies.CounterView;
import io.tally.http.Bodies.Delta;
import io.tally.http.Bodies.IncrementView;
import io.tally.http.Bodies.Initial;
import io.tally.http.Bodies.Patch;
import io.tally.pipeline.CounterPipeline;
import java.net.URI;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Configuration;
import org.springframework.http.HttpMethod;
import org.springframework.http.HttpStatus;
import org.springframework.web.reactive.function.server.RouterFunction;
import org.springframework.web.reactive.function.server.ServerRequest;
import org.springframework.web.reactive.function.server.ServerResponse;
import reactor.core.publisher.Mono;
import tools.jackson.databind.JsonNode;

/** One counter: make, read, increment, amend, remove. */
@Configuration(proxyBeanMethods = false)
class CounterRoutes {

    private final CounterPipeline pipeline;

    CounterRoutes(CounterPipeline pipeline) {
        this.pipeline = pipeline;
    }

    @Bean
    RouterFunction<ServerResponse> counterRouter() {
        return Routes.resource(CounterPath.INCREMENTS)
                .on(HttpMethod.POST, this::increment)
                .build()
                .and(Routes.resource(CounterPath.COUNTER)
                        .on(HttpMethod.GET, this::read)
                        .on(HttpMethod.PUT, this::create)
                        .on(HttpMethod.PATCH, this::amend)
                        .on(HttpMethod.DELETE, this::delete)
                        .build());
    }

    private Mono<ServerResponse> increment(ServerRequest request) {
        CounterId counter = CounterPath.counter(request);
        Precondition precondition = Preconditions.of(request);
        return request.bodyToMono(JsonNode.class)
                .map(Delta::of)
                .defaultIfEmpty(Delta.ONE)
                .map(body -> new Increment(counter, body.delta(), precondition))
                .flatMap(pipeline::apply)
                .flatMap(CounterRoutes::answer);
    }

    private Mono<ServerResponse> create(ServerRequest request) {
        CounterId counter = CounterPath.counter(request);
        Precondition precondition = Preconditions.of(request);
        return request.bodyToMono(JsonNode.class)
                .map(json -> Bodies.checked(() -> Initial.of(json)))
                .defaultIfEmpty(Initial.ZERO)
                .map(body -> Bodies.checked(() -> new Create(counter, body.initial(), body.bounds(), precondition)))
                .flatMap(pipeline::apply)
                .flatMap(CounterRoutes::answer);
    }

    private Mono<ServerResponse> amend(ServerRequest request) {
        CounterId counter = CounterPath.counter(request);
        Precondition precondition = Preconditions.of(request);
        if (precondition.equals(Precondition.NONE)) {
            throw new ProblemException(ProblemType.PRECONDITION_REQUIRED, "Send the ETag that was read as If-Match.");
        }
        return request.bodyToMono(JsonNode.class)
                .switchIfEmpty(Mono.error(() -> new ProblemException(ProblemType.MALFORMED, "The body is missing.")))
                .map(Patch::of)
                .map(patch -> new Amend(counter, patch.value(), patch.min(), patch.max(), precondition))
                .flatMap(pipeline::apply)
                .flatMap(CounterRoutes::answer);
    }

    private Mono<ServerResponse> delete(ServerRequest request) {
        return pipeline.apply(new Delete(CounterPath.counter(request), Preconditions.of(request)))
                .flatMap(CounterRoutes::answer);
    }

    private Mono<ServerResponse> read(ServerRequest request) {
        return pipeline.read(CounterPath.counter(request))
                .flatMap(outcome -> outcome instanceof Found found
                                && Preconditions.unmodified(
                                        request, found.counter().version())
                        ? ServerResponse.status(HttpStatus.NOT_MODIFIED)
                                .eTag(tag(found.counter().version()))
                                .build()
                        : answer(outcome));
    }

    private static Mono<ServerResponse> answer(Outcome outcome) {
        return switch (outcome) {
            case Incremented incremented ->
                Routes.json(ServerResponse.ok().eTag(tag(incremented.version())), IncrementView.of(incremented));
            case Created created ->
                counter(
                        ServerResponse.created(
                                URI.create(CounterPath.path(created.counter().id()))),
                        created.counter());
            case Found found -> counter(ServerResponse.ok(), found.counter());
            case Amended amended -> counter(ServerResponse.ok(), amended.counter());
            case Deleted deleted -> ServerResponse.noContent().build();
            case Outcome.Refusal refusal -> Problems.answer(refusal);
            case Outcome.Unknown unknown -> Problems.answer(unknown);
        };
    }

    private static Mono<ServerResponse> counter(ServerResponse.BodyBuilder response, Counter counter) {
        return Routes.json(response.eTag(tag(counter.version())), CounterView.of(counter));
    }

    private static String tag(long version) {
        return "\"" + version + "\"";
    }
}
