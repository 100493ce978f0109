package io.tally.job;

import io.tally.http.ProblemType;
import io.tally.http.Problems;
import io.tally.http.RequestPath;
import io.tally.http.Routes;
import io.tally.http.Routes.Route;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.UUID;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Configuration;
import org.springframework.http.CacheControl;
import org.springframework.http.HttpMethod;
import org.springframework.http.MediaType;
import org.springframework.util.MimeTypeUtils;
import org.springframework.web.reactive.function.BodyInserters;
import org.springframework.web.reactive.function.server.ServerRequest;
import org.springframework.web.reactive.function.server.ServerResponse;
import reactor.core.publisher.Mono;

/** {@code GET /v1/jobs/{id}}: how far a job is, once or as it goes on. */
@Configuration(proxyBeanMethods = false)
class JobRoutes {

    private final JobStore store;
    private final JobStreams streams;

    JobRoutes(JobStore store, JobStreams streams) {
        this.store = store;
        this.streams = streams;
    }

    static String path(UUID id) {
        return "/v1/jobs/" + id;
    }

    @Bean
    Route jobRoute() {
        return Routes.resource("/v1/jobs/{id}", MediaType.APPLICATION_JSON, MediaType.TEXT_EVENT_STREAM)
                .on(HttpMethod.GET, this::show)
                .build();
    }

    private Mono<ServerResponse> show(ServerRequest request) {
        return Mono.justOrEmpty(id(RequestPath.segment(request, 2)))
                .flatMap(id -> wantsEvents(request) ? events(request, id) : state(id))
                .switchIfEmpty(Mono.defer(JobRoutes::notFound));
    }

    private Mono<ServerResponse> state(UUID id) {
        return store.find(id).map(JobView::of).flatMap(job -> Routes.json(ServerResponse.ok(), job));
    }

    private Mono<ServerResponse> events(ServerRequest request, UUID id) {
        return store.find(id)
                .flatMap(job -> ServerResponse.ok()
                        .cacheControl(CacheControl.noStore())
                        .body(BodyInserters.fromServerSentEvents(streams.events(job, isHead(request)))));
    }

    /** HEAD has the header fields of GET, and does not wait for the end of the job. */
    private static boolean isHead(ServerRequest request) {
        return request.method().equals(HttpMethod.HEAD);
    }

    private static Mono<ServerResponse> notFound() {
        return Problems.answer(Problems.problem(ProblemType.NOT_FOUND, "There is no such job."));
    }

    /** One that is spelled in another way than the service spells it is nobody's. */
    private static Optional<UUID> id(String text) {
        try {
            return Optional.of(UUID.fromString(text)).filter(id -> id.toString().equalsIgnoreCase(text));
        } catch (IllegalArgumentException malformed) {
            return Optional.empty();
        }
    }

    /** What is accepted first and most exactly decides; JSON where that leaves both. */
    private static boolean wantsEvents(ServerRequest request) {
        List<MediaType> accepted = new ArrayList<>(request.headers().accept());
        MimeTypeUtils.sortBySpecificity(accepted);
        return accepted.stream()
                .filter(type -> type.getQualityValue() > 0)
                .filter(type -> type.isCompatibleWith(MediaType.APPLICATION_JSON)
                        || type.isCompatibleWith(MediaType.TEXT_EVENT_STREAM))
                .findFirst()
                .filter(type -> !type.isCompatibleWith(MediaType.APPLICATION_JSON))
                .isPresent();
    }
}
