package io.tally.http.server;

import io.tally.http.Int64Form;
import io.tally.http.Preferences;
import io.tally.http.Routes;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.springframework.core.Ordered;
import org.springframework.core.annotation.Order;
import org.springframework.http.CacheControl;
import org.springframework.http.HttpHeaders;
import org.springframework.http.HttpMethod;
import org.springframework.http.MediaType;
import org.springframework.http.server.reactive.ServerHttpRequest;
import org.springframework.http.server.reactive.ServerHttpRequestDecorator;
import org.springframework.http.server.reactive.ServerHttpResponse;
import org.springframework.stereotype.Component;
import org.springframework.web.server.ServerWebExchange;
import org.springframework.web.server.ServerWebExchangeDecorator;
import org.springframework.web.server.WebFilter;
import org.springframework.web.server.WebFilterChain;
import reactor.core.publisher.Mono;

/**
 * Makes caches revalidate the responses to reads, unless their route sets another {@code Cache-Control}. A shared cache
 * may store a response without the field, also a {@code 404}, and a read would then be older than acknowledged writes.
 * Runs before {@link RequestGateFilter}, so that its refusals have the field, too.
 *
 * <p>Both {@linkplain Int64Form forms} of a counter have one entity tag. So no cache stores the form of strings, and a
 * request for it gets the whole response, even if a cache has the tag from the other form.
 */
@Component
@Order(Ordered.HIGHEST_PRECEDENCE)
final class NoCacheFilter implements WebFilter {

    @Override
    public Mono<Void> filter(ServerWebExchange exchange, WebFilterChain chain) {
        ServerHttpRequest request = exchange.getRequest();
        if (!isRead(request.getMethod())) {
            return chain.filter(exchange);
        }
        boolean api = Routes.isApi(request.getPath().pathWithinApplication().value());
        boolean strings = api && Int64Form.prefersStrings(request.getHeaders().getOrEmpty(Preferences.HEADER));
        ServerHttpResponse response = exchange.getResponse();
        response.beforeCommit(() -> Mono.fromRunnable(() -> complete(response.getHeaders(), api, strings)));
        return chain.filter(strings ? new Unconditional(exchange) : exchange);
    }

    private static boolean isRead(HttpMethod method) {
        return method.equals(HttpMethod.GET) || method.equals(HttpMethod.HEAD);
    }

    private static void complete(HttpHeaders fields, boolean api, boolean strings) {
        if (fields.getCacheControl() == null) {
            fields.setCacheControl(strings ? CacheControl.noStore() : CacheControl.noCache());
        }
        if (api && !MediaType.APPLICATION_PROBLEM_JSON.equals(fields.getContentType())) {
            // RFC 7240, section 2.
            List<String> vary = new ArrayList<>(fields.getVary());
            vary.add(Preferences.HEADER);
            fields.setVary(vary);
        }
    }

    /** An exchange without {@code If-None-Match}, which Spring would compare with the entity tag, too. */
    private static final class Unconditional extends ServerWebExchangeDecorator {

        private final ServerHttpRequest request;

        Unconditional(ServerWebExchange exchange) {
            super(exchange);
            HttpHeaders fields = new HttpHeaders();
            fields.addAll(exchange.getRequest().getHeaders());
            fields.remove(HttpHeaders.IF_NONE_MATCH);
            request = new ServerHttpRequestDecorator(exchange.getRequest()) {
                @Override
                public HttpHeaders getHeaders() {
                    return fields;
                }
            };
        }

        @Override
        public ServerHttpRequest getRequest() {
            return request;
        }

        @Override
        public boolean checkNotModified(@Nullable String tag, Instant lastModified) {
            return false;
        }
    }
}
