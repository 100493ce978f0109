package io.tally.http.server;

import static org.assertj.core.api.Assertions.assertThat;

import io.tally.testing.Postgres;
import io.tally.testing.TallyServer;
import java.sql.SQLException;
import java.util.List;
import java.util.Map;
import java.util.function.Function;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.springframework.context.support.StaticApplicationContext;
import org.springframework.http.server.reactive.HttpHandlerDecoratorFactory;
import org.springframework.web.reactive.function.server.HandlerFilterFunction;
import org.springframework.web.server.WebExceptionHandler;
import org.springframework.web.server.WebFilter;
import org.springframework.web.server.adapter.ForwardedHeaderTransformer;

/**
 * The beans that Spring's dispatcher calls for each request on any route. {@link DirectIncrements} calls none of
 * them, so each must have a counterpart there, or do nothing for an increment. A rule for all requests belongs in
 * {@link RequestGate}.
 */
class DispatcherHooksIT {

    private static final List<Class<?>> HOOKS = List.of(
            WebFilter.class,
            WebExceptionHandler.class,
            HandlerFilterFunction.class,
            HttpHandlerDecoratorFactory.class,
            ForwardedHeaderTransformer.class);

    /** Classes of hooks, and why a direct increment does not need them. */
    private static final Map<String, String> ALLOWED = Map.of(
            "io.tally.http.server.CorsFilter",
            "It is about requests with an Origin, which DirectIncrements does not take.",
            "io.tally.http.server.NoCacheFilter",
            "It is about GET and HEAD, and a direct increment is a POST.",
            "io.tally.http.server.RequestGateFilter",
            "DirectIncrements asks the same gate.",
            "io.tally.http.ErrorHandler",
            "DirectIncrements turns failures into the same problems, with Failures and Problems.",
            "org.springframework.boot.webflux.autoconfigure.error.DefaultErrorWebExceptionHandler",
            "ErrorHandler comes first and leaves only failures of responses that have begun.",
            "org.springframework.web.reactive.handler.WebFluxResponseStatusExceptionHandler",
            "ErrorHandler comes first and leaves only failures of responses that have begun.");

    @Test
    void directIncrementsMissNoHook() throws SQLException {
        try (TallyServer server = TallyServer.start(Postgres.shared().createDatabase(), "tally.lab.enabled", "true")) {
            assertThat(hooks(server::beans)).containsExactlyInAnyOrderElementsOf(ALLOWED.keySet());
        }
    }

    @Test
    void everyOtherFilterIsFound() {
        try (var context = new StaticApplicationContext()) {
            context.registerBean(WebFilter.class, () -> (exchange, chain) -> chain.filter(exchange));
            context.refresh();
            assertThat(hooks(type -> context.getBeanProvider(type).stream()))
                    .hasSize(1)
                    .doesNotContainAnyElementsOf(ALLOWED.keySet());
        }
    }

    private static List<String> hooks(Function<Class<?>, Stream<?>> beans) {
        return HOOKS.stream()
                .flatMap(beans)
                .map(bean -> bean.getClass().getName())
                .toList();
    }
}
