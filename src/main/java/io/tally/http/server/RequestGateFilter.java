package io.tally.http.server;

import io.tally.http.Bodies;
import io.tally.http.Caller;
import io.tally.http.RequestId;
import io.tally.http.server.RequestGate.Admitted;
import io.tally.http.server.RequestGate.Decision;
import io.tally.http.server.RequestGate.Refused;
import io.tally.http.server.RequestGate.Waiting;
import org.springframework.core.Ordered;
import org.springframework.core.annotation.Order;
import org.springframework.core.io.buffer.DataBuffer;
import org.springframework.http.HttpHeaders;
import org.springframework.http.server.reactive.ServerHttpRequest;
import org.springframework.http.server.reactive.ServerHttpRequestDecorator;
import org.springframework.http.server.reactive.ServerHttpResponse;
import org.springframework.stereotype.Component;
import org.springframework.web.server.ServerWebExchange;
import org.springframework.web.server.WebFilter;
import org.springframework.web.server.WebFilterChain;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;
import reactor.netty.http.server.HttpServerRequest;

/** Calls the gate before Spring's dispatcher handles a request, and passes the decoded body to the dispatcher. */
@Component
@Order(Ordered.HIGHEST_PRECEDENCE + 1)
final class RequestGateFilter implements WebFilter {

    private final RequestGate gate;

    RequestGateFilter(RequestGate gate) {
        this.gate = gate;
    }

    @Override
    public Mono<Void> filter(ServerWebExchange exchange, WebFilterChain chain) {
        HttpServerRequest request = ServerHttpRequestDecorator.getNativeRequest(exchange.getRequest());
        String path = exchange.getRequest().getPath().pathWithinApplication().value();
        Decision decision = gate.decide(request.version(), request.method(), path, request.requestHeaders());
        RequestId.set(exchange, decision.requestId());
        return filter(decision, exchange, request, chain);
    }

    private static Mono<Void> filter(
            Decision decision, ServerWebExchange exchange, HttpServerRequest request, WebFilterChain chain) {
        return switch (decision) {
            case Admitted admitted -> {
                Caller.set(exchange, admitted.access().caller());
                add(admitted.access().fields(), exchange.getResponse());
                yield chain.filter(withReadableBody(exchange, request));
            }
            case Refused refused -> Mono.error(refused.problem());
            case Waiting waiting -> waiting.decision().flatMap(decided -> filter(decided, exchange, request, chain));
        };
    }

    /** Adds them last, since a problem replaces the fields of the response. */
    private static void add(HttpHeaders fields, ServerHttpResponse response) {
        if (!fields.isEmpty()) {
            response.beforeCommit(
                    () -> Mono.fromRunnable(() -> response.getHeaders().putAll(fields)));
        }
    }

    private static ServerWebExchange withReadableBody(ServerWebExchange exchange, HttpServerRequest request) {
        return Bodies.hasBody(exchange.getRequest().getHeaders())
                ? exchange.mutate()
                        .request(
                                ContentCoding.of(request.requestHeaders()) == ContentCoding.GZIP
                                        ? new Inflated(exchange.getRequest())
                                        : new Bounded(exchange.getRequest()))
                        .build()
                : exchange;
    }

    /** A request with its body unchanged. */
    private static final class Bounded extends ServerHttpRequestDecorator {

        Bounded(ServerHttpRequest request) {
            super(request);
        }

        @Override
        public Flux<DataBuffer> getBody() {
            return InboundDemand.bounded(super.getBody());
        }
    }

    /** A request whose gzip body is inflated. */
    private static final class Inflated extends ServerHttpRequestDecorator {

        private final HttpHeaders headers;

        Inflated(ServerHttpRequest compressed) {
            super(compressed);
            headers = new HttpHeaders();
            headers.addAll(compressed.getHeaders());
            headers.remove(HttpHeaders.CONTENT_ENCODING);
            // Removed, since it is the length of the compressed body. The inflated length is unknown, as with a chunked
            // body.
            headers.remove(HttpHeaders.CONTENT_LENGTH);
            headers.set(HttpHeaders.TRANSFER_ENCODING, "chunked");
        }

        @Override
        public HttpHeaders getHeaders() {
            return headers;
        }

        @Override
        public Flux<DataBuffer> getBody() {
            return Gunzip.inflate(super.getBody());
        }
    }
}
