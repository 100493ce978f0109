package io.tally.http;

import io.tally.counter.Command;
import io.tally.counter.CounterId;
import io.tally.counter.IdempotencyKey;
import io.tally.counter.Operation.Amend;
import io.tally.counter.Operation.Create;
import io.tally.counter.Operation.Delete;
import io.tally.counter.Operation.Increment;
import io.tally.counter.Precondition;
import io.tally.http.Bodies.Delta;
import io.tally.http.Bodies.Initial;
import io.tally.http.Bodies.Patch;
import io.tally.http.Routes.Route;
import io.tally.pipeline.CounterPipeline;
import java.util.List;
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
                .on(HttpMethod.POST, Action.WRITE, this::increment)
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
                .map(Delta::of)
                .defaultIfEmpty(Delta.ONE)
                .map(body -> Bodies.checked(() -> new Increment(counter, body.delta(), precondition)))
                .map(increment -> Command.of(increment, key))
                .flatMap(pipeline::apply)
                .flatMap(Answers::of);
    }

    private Mono<ServerResponse> create(ServerRequest request) {
        CounterId counter = CounterPath.counter(request);
        Precondition precondition = Preconditions.of(request);
        return Bodies.json(request)
                .map(json -> Bodies.checked(() -> Initial.of(json)))
                .defaultIfEmpty(Initial.ZERO)
                .map(body -> Bodies.checked(() -> new Create(counter, body.initial(), body.bounds(), precondition)))
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
                .map(patch ->
                        Command.of(new Amend(counter, patch.value(), patch.min(), patch.max(), precondition), key))
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
