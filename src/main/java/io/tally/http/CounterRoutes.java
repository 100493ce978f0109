package io.tally.http;

import io.tally.counter.Command;
import io.tally.counter.CounterId;
import io.tally.counter.IdempotencyKey;
import io.tally.counter.NewCounter;
import io.tally.counter.Operation.Create;
import io.tally.counter.Operation.Delete;
import io.tally.counter.Precondition;
import io.tally.http.Bodies.IncrementBody;
import io.tally.http.CounterBodies.Patch;
import io.tally.http.Routes.Route;
import io.tally.pipeline.CounterPipeline;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Configuration;
import org.springframework.core.Ordered;
import org.springframework.core.annotation.Order;
import org.springframework.http.HttpMethod;
import org.springframework.http.MediaType;
import org.springframework.web.reactive.function.server.ServerRequest;
import org.springframework.web.reactive.function.server.ServerResponse;
import reactor.core.publisher.Mono;

/** The routes of one counter: create, read, increment, amend, delete. */
@Configuration(proxyBeanMethods = false)
public class CounterRoutes {

    /** The media types of a change: its own (RFC 7396), and that of all other bodies. */
    private static final List<MediaType> PATCHES =
            List.of(new MediaType("application", "merge-patch+json"), MediaType.APPLICATION_JSON);

    private final CounterPipeline pipeline;

    CounterRoutes(CounterPipeline pipeline) {
        this.pipeline = pipeline;
    }

    /** Comes first: Spring tries one route after the other, and most requests are increments. */
    @Bean
    @Order(Ordered.HIGHEST_PRECEDENCE)
    Route incrementRoute() {
        return Routes.resource(CounterPath.INCREMENTS)
                .onAny(HttpMethod.POST, IncrementRequest.ACTIONS, this::increment)
                .conditional()
                .build();
    }

    @Bean
    Route counterRoute() {
        return Routes.resource(CounterPath.COUNTER)
                .on(HttpMethod.GET, Action.READ, this::read)
                .on(HttpMethod.PUT, Action.WRITE, this::create)
                .on(HttpMethod.PATCH, Action.MANAGE, this::amend)
                .on(HttpMethod.DELETE, Action.MANAGE, this::delete)
                .conditional()
                .build();
    }

    private Mono<ServerResponse> increment(ServerRequest request) {
        CounterId counter = CounterPath.counter(request);
        Precondition precondition = Preconditions.of(request);
        IdempotencyKey key = IdempotencyKeys.of(request, counter.namespace());
        return Bodies.json(request)
                .map(IncrementBody::of)
                .defaultIfEmpty(IncrementBody.ONE)
                .map(body -> increment(Caller.of(request), counter, precondition, key, body))
                .flatMap(increment -> increment.outcome(pipeline))
                .flatMap(Answers::of);
    }

    /**
     * The request of a caller for an increment.
     *
     * @throws ProblemException if the request is malformed, or the caller has no grant for it
     */
    public static IncrementRequest increment(
            Caller caller,
            CounterId counter,
            Precondition precondition,
            @Nullable IdempotencyKey key,
            IncrementBody body) {
        caller.require(IncrementRequest.action(body.dryRun()), counter.namespace());
        return new IncrementRequest(body.increment(counter, precondition), key, body.dryRun());
    }

    private Mono<ServerResponse> create(ServerRequest request) {
        CounterId counter = CounterPath.counter(request);
        Precondition precondition = Preconditions.of(request);
        return Bodies.json(request)
                .map(CounterBodies::newCounter)
                .defaultIfEmpty(NewCounter.DEFAULT)
                .map(state -> Bodies.checked(() -> new Create(counter, state, precondition)))
                .map(Command::of)
                .flatMap(pipeline::apply)
                .flatMap(Answers::of);
    }

    private Mono<ServerResponse> amend(ServerRequest request) {
        CounterId counter = CounterPath.counter(request);
        Precondition precondition = Preconditions.of(request);
        if (precondition.equals(Precondition.NONE)) {
            throw new ProblemException(
                    ProblemType.PRECONDITION_REQUIRED, "Send the ETag of the last read as If-Match.");
        }
        IdempotencyKey key = IdempotencyKeys.of(request, counter.namespace());
        return Bodies.json(request, PATCHES)
                .switchIfEmpty(Mono.error(Bodies::missing))
                .map(Patch::of)
                .map(patch -> patch.amend(counter, precondition))
                .map(amend -> Command.of(amend, key))
                .flatMap(pipeline::apply)
                .flatMap(Answers::of);
    }

    private Mono<ServerResponse> delete(ServerRequest request) {
        CounterId counter = CounterPath.counter(request);
        IdempotencyKey key = IdempotencyKeys.of(request, counter.namespace());
        return pipeline.apply(Command.of(new Delete(counter, Preconditions.of(request)), key))
                .flatMap(Answers::of);
    }

    private Mono<ServerResponse> read(ServerRequest request) {
        return pipeline.read(CounterPath.counter(request)).flatMap(Answers::of);
    }
}
