package io.tally.job;

import io.tally.http.Action;
import io.tally.http.Caller;
import io.tally.http.Int64Form;
import io.tally.http.Progress;
import io.tally.http.RequestPath;
import io.tally.http.Routes;
import io.tally.http.Routes.Route;
import java.util.UUID;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Configuration;
import org.springframework.http.HttpMethod;
import org.springframework.web.reactive.function.server.ServerRequest;
import org.springframework.web.reactive.function.server.ServerResponse;
import reactor.core.publisher.Mono;

/** {@code GET /v1/jobs/{id}}: the progress of a job, once or as a stream. */
@Configuration(proxyBeanMethods = false)
class JobRoutes {

    static String path(UUID id) {
        return "/v1/jobs/" + id;
    }

    @Bean
    Route jobRoute(Progress<Job> progress) {
        return Routes.resource("/v1/jobs/{id}")
                .on(
                        HttpMethod.GET,
                        Action.READ,
                        Progress.TYPES,
                        request -> show(progress, request),
                        Int64Form.PARAMETER)
                .build();
    }

    private static Mono<ServerResponse> show(Progress<Job> progress, ServerRequest request) {
        Caller caller = Caller.of(request);
        return progress.show(request, RequestPath.segment(request, 2), job -> caller.may(Action.READ, job.namespace()));
    }
}
