package io.tally.http.server;

import io.tally.http.AccessControl.Granted;
import io.tally.http.SessionCookies;
import java.util.List;
import org.springframework.boot.actuate.autoconfigure.web.server.ConditionalOnManagementPort;
import org.springframework.boot.actuate.autoconfigure.web.server.ManagementPortType;
import org.springframework.context.annotation.Bean;
import org.springframework.web.reactive.function.server.RouterFunction;
import org.springframework.web.reactive.function.server.ServerResponse;
import reactor.core.publisher.Mono;

/**
 * Keeps the API and its access control off the management port, which monitoring reads without credentials. The server
 * there has a context of its own, a child of the application's, and finds the parent's beans by their types. A bean of
 * the same name in the child hides the parent's.
 *
 * <p>Spring Boot reads this class from {@code ManagementContextConfiguration.imports}. It has no
 * {@code @Configuration}, since the application's own component scan would find that.
 */
@ConditionalOnManagementPort(ManagementPortType.DIFFERENT)
class ManagementServerConfiguration {

    @Bean
    RouterFunction<ServerResponse> router() {
        return request -> Mono.empty();
    }

    @Bean
    RequestGateFilter requestGateFilter() {
        return new RequestGateFilter(new RequestGate(authorization -> Granted.ANONYMOUS, SessionCookies.IGNORED));
    }

    @Bean
    CorsFilter corsFilter() {
        return new CorsFilter(new CorsProperties(List.of()));
    }
}
