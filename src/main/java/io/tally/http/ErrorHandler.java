package io.tally.http;

import org.springframework.core.annotation.Order;
import org.springframework.http.HttpStatusCode;
import org.springframework.http.server.reactive.ServerHttpRequest;
import org.springframework.http.server.reactive.ServerHttpResponse;
import org.springframework.stereotype.Component;
import org.springframework.web.server.ServerWebExchange;
import org.springframework.web.server.WebExceptionHandler;
import reactor.core.publisher.Mono;

/** Answers every exception of a route, of a filter or of the dispatcher with a problem. */
@Component
@Order(-2) // before Spring Boot's own at -1
class ErrorHandler implements WebExceptionHandler {

    private final ResponseJson json;

    ErrorHandler(ResponseJson json) {
        this.json = json;
    }

    @Override
    public Mono<Void> handle(ServerWebExchange exchange, Throwable failure) {
        ServerHttpRequest request = exchange.getRequest();
        ServerHttpResponse response = exchange.getResponse();
        if (response.isCommitted()) {
            return Mono.error(failure);
        }
        String requestId = RequestId.of(request);
        ProblemException refusal =
                Failures.problem(failure, requestId, () -> request.getMethod() + " " + request.getPath());
        // The route may have begun another response, such as a stream that no cache stores.
        response.getHeaders().clear();
        response.setStatusCode(HttpStatusCode.valueOf(refusal.problem().getStatus()));
        response.getHeaders().putAll(Problems.fields(refusal, requestId));
        RequestId.trace(request, requestId);
        byte[] body = json.mapper(Int64Form.of(request)).writeValueAsBytes(refusal.problem());
        // HEAD has the same Content-Length as GET.
        response.getHeaders().setContentLength(body.length);
        return response.writeWith(
                Mono.fromSupplier(() -> response.bufferFactory().wrap(body)));
    }
}
