package io.tally.http.server;

import org.springframework.core.Ordered;
import org.springframework.core.annotation.Order;
import org.springframework.http.CacheControl;
import org.springframework.http.HttpHeaders;
import org.springframework.http.HttpMethod;
import org.springframework.stereotype.Component;
import org.springframework.web.server.ServerWebExchange;
import org.springframework.web.server.WebFilter;
import org.springframework.web.server.WebFilterChain;
import reactor.core.publisher.Mono;

/**
 * Makes caches revalidate the responses to reads, unless their route sets another {@code Cache-Control}. A shared cache
 * may store a response without the field, also a {@code 404}, and a read would then be older than acknowledged writes.
 * Runs before {@link RequestGateFilter}, so that its refusals have the field, too.
 */
@Component
@Order(Ordered.HIGHEST_PRECEDENCE)
final class NoCacheFilter implements WebFilter {

    @Override
    public Mono<Void> filter(ServerWebExchange exchange, WebFilterChain chain) {
        HttpMethod method = exchange.getRequest().getMethod();
        if (method.equals(HttpMethod.GET) || method.equals(HttpMethod.HEAD)) {
            HttpHeaders fields = exchange.getResponse().getHeaders();
            exchange.getResponse().beforeCommit(() -> {
                if (fields.getCacheControl() == null) {
                    fields.setCacheControl(CacheControl.noCache());
                }
                return Mono.empty();
            });
        }
        return chain.filter(exchange);
    }
}
