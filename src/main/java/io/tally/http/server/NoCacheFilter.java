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
 * Has caches ask before they reuse the response to a read, unless its route says otherwise: a shared cache may give a
 * response without {@code Cache-Control} a life of its own, also a {@code 404}, and a read would be older than what was
 * acknowledged. Comes before {@link RequestGateFilter}, so that its refusals have the field, too.
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
