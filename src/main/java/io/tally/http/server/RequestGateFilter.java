package io.tally.http.server;

import io.tally.http.RequestId;
import io.tally.http.server.RequestGate.Admitted;
import io.tally.http.server.RequestGate.Decision;
import io.tally.http.server.RequestGate.Refused;
import org.springframework.core.Ordered;
import org.springframework.core.annotation.Order;
import org.springframework.http.server.reactive.ServerHttpRequestDecorator;
import org.springframework.stereotype.Component;
import org.springframework.web.server.ServerWebExchange;
import org.springframework.web.server.WebFilter;
import org.springframework.web.server.WebFilterChain;
import reactor.core.publisher.Mono;
import reactor.netty.http.server.HttpServerRequest;

/** Asks the gate before Spring's dispatcher handles a request. */
@Component
@Order(Ordered.HIGHEST_PRECEDENCE)
final class RequestGateFilter implements WebFilter {

    private final RequestGate gate;

    RequestGateFilter(RequestGate gate) {
        this.gate = gate;
    }

    @Override
    public Mono<Void> filter(ServerWebExchange exchange, WebFilterChain chain) {
        HttpServerRequest request = ServerHttpRequestDecorator.getNativeRequest(exchange.getRequest());
        Decision decision = gate.decide(request.method(), request.uri(), request.requestHeaders());
        RequestId.set(exchange, decision.requestId());
        return switch (decision) {
            case Admitted admitted -> chain.filter(exchange);
            case Refused refused -> Mono.error(refused.problem());
        };
    }
}
