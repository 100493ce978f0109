package io.tally.watch;

import io.tally.counter.CounterId;
import io.tally.counter.Outcome;
import io.tally.counter.Outcome.NotFound;
import io.tally.http.Accept;
import io.tally.http.Action;
import io.tally.http.Bodies;
import io.tally.http.Caller;
import io.tally.http.CounterPath;
import io.tally.http.Int64Form;
import io.tally.http.Problems;
import io.tally.http.RequestPath;
import io.tally.http.RequestQuery;
import io.tally.http.Routes;
import io.tally.http.Routes.Route;
import io.tally.pipeline.CounterPipeline;
import java.util.HashSet;
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

/** Live streams: of one counter, or of several of a namespace. */
@Configuration(proxyBeanMethods = false)
class WatchRoutes {

    private static final String EVENTS = "events";
    private static final String NAME = "name";
    private static final int NAMES_MAX = 100;

    private static final List<MediaType> EVENT_STREAM = List.of(MediaType.TEXT_EVENT_STREAM);

    private static final List<MediaType> COUNTER_OR_EVENTS =
            List.of(MediaType.APPLICATION_JSON, MediaType.TEXT_EVENT_STREAM);

    private final Watches watches;
    private final CounterPipeline pipeline;

    WatchRoutes(Watches watches, CounterPipeline pipeline) {
        this.watches = watches;
        this.pipeline = pipeline;
    }

    /** Comes before the routes of counters, since a counter may be named "events". */
    @Bean
    @Order(Ordered.HIGHEST_PRECEDENCE + 1)
    Route severalEventsRoute() {
        return Routes.resource(CounterPath.NAMESPACE + "/" + EVENTS)
                .on(HttpMethod.GET, Action.READ, EVENT_STREAM, this::several, NAME, Int64Form.PARAMETER)
                .repeatable(NAME)
                .where(WatchRoutes::asksForEvents)
                .build();
    }

    @Bean
    Route eventsRoute() {
        return Routes.resource(CounterPath.COUNTER + "/" + EVENTS)
                .on(HttpMethod.GET, Action.READ, EVENT_STREAM, this::one, Int64Form.PARAMETER)
                .build();
    }

    /** Whether a request addresses the stream of a namespace, and not the counter named "events". */
    private static boolean asksForEvents(ServerRequest request) {
        boolean reads =
                request.method().equals(HttpMethod.GET) || request.method().equals(HttpMethod.HEAD);
        return reads
                // Uses the raw segment, like counter names: "events;x" is another counter.
                && RequestPath.segment(request, 3).equals(EVENTS)
                && (acceptsEvents(request)
                        || !RequestQuery.values(request, NAME).isEmpty());
    }

    private static boolean acceptsEvents(ServerRequest request) {
        return Accept.preferred(request, COUNTER_OR_EVENTS)
                .filter(MediaType.TEXT_EVENT_STREAM::equals)
                .isPresent();
    }

    private Mono<ServerResponse> one(ServerRequest request) {
        CounterId counter = CounterPath.counter(request);
        return isHead(request)
                ? pipeline.read(counter).flatMap(WatchRoutes::head)
                : stream(request, List.of(counter), LastEventId.versions(request, 1), true);
    }

    private Mono<ServerResponse> several(ServerRequest request) {
        List<CounterId> counters = counters(request);
        return isHead(request)
                ? Routes.events().build()
                : stream(request, counters, LastEventId.versions(request, counters.size()), false);
    }

    private static List<CounterId> counters(ServerRequest request) {
        String namespace = RequestPath.segment(request, 2);
        List<String> names = RequestQuery.values(request, NAME);
        if (names.isEmpty() || names.size() > NAMES_MAX) {
            throw Bodies.malformed("The query must have 1 to " + NAMES_MAX + " 'name' parameters.");
        }
        if (new HashSet<>(names).size() < names.size()) {
            throw Bodies.malformed("The query must not repeat a name.");
        }
        return names.stream()
                .map(name -> Bodies.checked(() -> new CounterId(namespace, name)))
                .toList();
    }

    private static boolean isHead(ServerRequest request) {
        return request.method().equals(HttpMethod.HEAD);
    }

    /** Answers like GET: with a stream even if the database is unavailable. */
    private static Mono<ServerResponse> head(Outcome outcome) {
        return outcome instanceof NotFound
                ? Problems.answer(outcome)
                : Routes.events().build();
    }

    private Mono<ServerResponse> stream(
            ServerRequest request, List<CounterId> counters, long[] versions, boolean required) {
        Int64Form form = Int64Form.of(request);
        Mono<Void> end = Caller.of(request).end();
        return Routes.events()
                .body((response, context) -> watches.write(
                        counters, versions, required, form, events -> response.writeWith(events.takeUntilOther(end))));
    }
}
