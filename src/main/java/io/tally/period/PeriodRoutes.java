package io.tally.period;

import io.tally.counter.CounterId;
import io.tally.http.Action;
import io.tally.http.CounterPath;
import io.tally.http.Cursor;
import io.tally.http.Paging;
import io.tally.http.ProblemException;
import io.tally.http.ProblemType;
import io.tally.http.Routes;
import io.tally.http.Routes.Route;
import io.tally.period.Periods.Ended;
import io.tally.pipeline.StoreFailure;
import java.time.DateTimeException;
import java.time.Instant;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Configuration;
import org.springframework.http.HttpMethod;
import org.springframework.web.reactive.function.server.ServerRequest;
import org.springframework.web.reactive.function.server.ServerResponse;
import reactor.core.publisher.Mono;

/** {@code GET /v1/counters/{namespace}/{name}/periods}: the ended periods of a counter. */
@Configuration(proxyBeanMethods = false)
class PeriodRoutes {

    private final Periods periods;

    PeriodRoutes(Periods periods) {
        this.periods = periods;
    }

    @Bean
    Route periodsRoute() {
        return Routes.resource(CounterPath.COUNTER + "/periods")
                .on(HttpMethod.GET, Action.READ, this::list, "limit", "cursor")
                .build();
    }

    private Mono<ServerResponse> list(ServerRequest request) {
        CounterId counter = CounterPath.counter(request);
        List<String> list = List.of("periods", counter.namespace(), counter.name());
        Paging paging = Paging.of(request, list);
        return periods.list(counter, before(paging.after()), paging.limit() + 1)
                .flatMap(found -> Routes.list(paging.page(
                        found, list, (Ended last) -> List.of(last.end().toString()))))
                .switchIfEmpty(notFound())
                // A name that the database cannot store does not exist in it.
                .onErrorResume(StoreFailure::isUnstorable, unstorable -> notFound());
    }

    private static @Nullable Instant before(@Nullable List<String> place) {
        try {
            return place == null ? null : Instant.parse(place.getFirst());
        } catch (DateTimeException foreign) {
            throw Cursor.foreign();
        }
    }

    private static <T> Mono<T> notFound() {
        return Mono.error(() -> new ProblemException(ProblemType.NOT_FOUND, "The counter does not exist."));
    }
}
