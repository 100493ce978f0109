package io.tally.http.server;

import io.tally.http.ProblemException;
import io.tally.http.ProblemType;
import io.tally.http.RequestId;
import java.time.Duration;
import java.util.List;
import org.springframework.boot.context.properties.EnableConfigurationProperties;
import org.springframework.core.Ordered;
import org.springframework.core.annotation.Order;
import org.springframework.http.HttpHeaders;
import org.springframework.http.HttpStatus;
import org.springframework.http.server.reactive.ServerHttpResponse;
import org.springframework.stereotype.Component;
import org.springframework.web.cors.CorsConfiguration;
import org.springframework.web.cors.reactive.CorsUtils;
import org.springframework.web.cors.reactive.CorsWebFilter;
import org.springframework.web.cors.reactive.DefaultCorsProcessor;
import org.springframework.web.server.ServerWebExchange;
import org.springframework.web.server.WebFilter;
import org.springframework.web.server.WebFilterChain;
import reactor.core.publisher.Mono;

/**
 * Lets pages of the configured origins use the API (CORS, in the Fetch standard). Without origins, it only refuses
 * preflight requests, which Spring's dispatcher would answer with 200. Runs before {@link RequestGateFilter}, so that
 * pages can read its refusals, and preflight requests need no credentials. {@link PlainIncrement} leaves requests with
 * an {@code Origin} to the dispatcher.
 */
@Component
@Order(Ordered.HIGHEST_PRECEDENCE)
@EnableConfigurationProperties(CorsProperties.class)
final class CorsFilter implements WebFilter {

    private static final List<String> METHODS = List.of("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE");

    private static final List<String> REQUEST_FIELDS = List.of(
            HttpHeaders.ACCEPT,
            HttpHeaders.AUTHORIZATION,
            HttpHeaders.CACHE_CONTROL,
            HttpHeaders.CONTENT_ENCODING,
            HttpHeaders.CONTENT_TYPE,
            "Idempotency-Key",
            HttpHeaders.IF_MATCH,
            HttpHeaders.IF_NONE_MATCH,
            "Last-Event-ID",
            "Prefer",
            RequestId.HEADER,
            "traceparent",
            "tracestate");

    private static final List<String> RESPONSE_FIELDS = List.of(
            HttpHeaders.ETAG,
            "Idempotency-Replayed",
            HttpHeaders.LOCATION,
            "Preference-Applied",
            "RateLimit",
            "RateLimit-Policy",
            HttpHeaders.RETRY_AFTER,
            HttpHeaders.WWW_AUTHENTICATE,
            RequestId.HEADER);

    /** How long a browser may keep the response to a preflight request. */
    private static final Duration MAX_AGE = Duration.ofHours(1);

    private final boolean active;
    private final CorsWebFilter cors;

    CorsFilter(CorsProperties properties) {
        CorsConfiguration configuration = new CorsConfiguration();
        configuration.setAllowedOrigins(properties.origins());
        configuration.setAllowedMethods(METHODS);
        configuration.setAllowedHeaders(REQUEST_FIELDS);
        configuration.setExposedHeaders(RESPONSE_FIELDS);
        configuration.setMaxAge(MAX_AGE);
        active = !properties.origins().isEmpty();
        cors = new CorsWebFilter(exchange -> configuration, new Refusing());
    }

    /** Refuses with a problem. */
    private static final class Refusing extends DefaultCorsProcessor {

        @Override
        protected void rejectRequest(ServerHttpResponse response) {
            throw new ProblemException(
                    ProblemType.ORIGIN_REFUSED, "The origin, the method or a header field is not allowed.");
        }
    }

    @Override
    public Mono<Void> filter(ServerWebExchange exchange, WebFilterChain chain) {
        boolean preflight = CorsUtils.isPreFlightRequest(exchange.getRequest());
        if (!active && !preflight) {
            return chain.filter(exchange);
        }
        RequestId.set(
                exchange, RequestId.sent(exchange.getRequest().getHeaders().getFirst(RequestId.HEADER)));
        if (preflight) {
            exchange.getResponse().setStatusCode(HttpStatus.NO_CONTENT);
        }
        return cors.filter(exchange, admitted -> {
            keepFields(admitted.getResponse());
            return chain.filter(admitted);
        });
    }

    /** A route or a problem may replace the header fields before the response is sent. */
    private static void keepFields(ServerHttpResponse response) {
        HttpHeaders fields = HttpHeaders.copyOf(response.getHeaders());
        response.beforeCommit(() -> {
            fields.forEach((name, values) -> {
                List<String> sent = response.getHeaders().getOrEmpty(name);
                values.stream()
                        .filter(value -> !sent.contains(value))
                        .forEach(value -> response.getHeaders().add(name, value));
            });
            return Mono.empty();
        });
    }
}
