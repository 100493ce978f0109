package io.tally.access;

import io.tally.access.GrantJson.GrantView;
import io.tally.http.Caller;
import io.tally.http.Routes;
import io.tally.http.Routes.Route;
import java.util.List;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Configuration;
import org.springframework.web.reactive.function.server.ServerRequest;
import org.springframework.web.reactive.function.server.ServerResponse;
import reactor.core.publisher.Mono;

/** {@code GET /v1/caller}: the name and the grants of the caller. */
@Configuration(proxyBeanMethods = false)
class CallerRoutes {

    /** A caller as JSON. */
    record CallerView(String caller, List<GrantView> grants) {}

    @Bean
    Route callerRoute() {
        return Routes.resource("/v1/caller")
                .onGetOfAnyCaller(CallerRoutes::answer)
                .build();
    }

    private static Mono<ServerResponse> answer(ServerRequest request) {
        Caller caller = Caller.of(request);
        return Routes.json(ServerResponse.ok(), new CallerView(caller.name(), GrantView.of(caller.grants())));
    }
}
