package io.tally.http;

import io.tally.http.Routes.Route;
import java.time.Duration;
import java.util.List;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Configuration;
import org.springframework.http.CacheControl;
import org.springframework.http.MediaType;
import org.springframework.web.reactive.function.server.ServerRequest;
import org.springframework.web.reactive.function.server.ServerResponse;
import reactor.core.publisher.Mono;

/** The pages at the {@code type} URIs of problems. */
@Configuration(proxyBeanMethods = false)
class ProblemRoutes {

    /** A page changes only with a release. */
    private static final Duration LIFE = Duration.ofHours(1);

    @Bean
    Route problemRoute() {
        return Routes.resource("/problems/{slug}")
                .onPublicGet(List.of(MediaType.ALL), ProblemRoutes::page)
                .build();
    }

    private static Mono<ServerResponse> page(ServerRequest request) {
        ProblemType type = ProblemType.ofSlug(request.pathVariable("slug"))
                .orElseThrow(() -> new ProblemException(ProblemType.NOT_FOUND, "The problem type does not exist."));
        return ServerResponse.ok()
                .cacheControl(CacheControl.maxAge(LIFE).cachePublic())
                .contentType(MediaType.TEXT_PLAIN)
                .bodyValue(
                        "%s (%d)%n%n%s%n".formatted(type.title(), type.status().value(), type.explanation()));
    }
}
