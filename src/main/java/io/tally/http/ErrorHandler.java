package io.tally.http;

import io.tally.pipeline.StoreFailure;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.springframework.core.annotation.Order;
import org.springframework.core.io.buffer.DataBufferLimitException;
import org.springframework.http.HttpHeaders;
import org.springframework.http.HttpStatusCode;
import org.springframework.http.InvalidMediaTypeException;
import org.springframework.http.MediaType;
import org.springframework.http.server.reactive.ServerHttpRequest;
import org.springframework.http.server.reactive.ServerHttpResponse;
import org.springframework.stereotype.Component;
import org.springframework.web.ErrorResponse;
import org.springframework.web.server.ServerWebExchange;
import org.springframework.web.server.ServerWebInputException;
import org.springframework.web.server.WebExceptionHandler;
import reactor.core.publisher.Mono;
import reactor.netty.channel.AbortedException;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.json.JsonMapper;

/** Whatever is thrown, in a route, a filter or before either, as a problem. Never shows the text of an exception. */
@Component
@Order(-2) // before Spring Boot's own at -1
class ErrorHandler implements WebExceptionHandler {

    private static final Logger log = LoggerFactory.getLogger(ErrorHandler.class);

    private final JsonMapper json;

    ErrorHandler(JsonMapper json) {
        this.json = json;
    }

    @Override
    public Mono<Void> handle(ServerWebExchange exchange, Throwable failure) {
        ServerHttpRequest request = exchange.getRequest();
        ServerHttpResponse response = exchange.getResponse();
        if (response.isCommitted()) {
            // The server logs it, under this name.
            exchange.getAttributes().put(ServerWebExchange.LOG_ID_ATTRIBUTE, RequestId.of(request));
            return Mono.error(failure);
        }
        ProblemException problem = problem(request, failure);
        HttpHeaders headers = response.getHeaders();
        response.setStatusCode(HttpStatusCode.valueOf(problem.problem().getStatus()));
        headers.putAll(problem.headers());
        headers.setContentType(MediaType.APPLICATION_PROBLEM_JSON);
        Problems.retryAfter(problem.problem(), headers);
        RequestId.mark(problem.problem(), request, headers);
        return response.writeWith(
                Mono.fromSupplier(() -> response.bufferFactory().wrap(json.writeValueAsBytes(problem.problem()))));
    }

    private static ProblemException problem(ServerHttpRequest request, Throwable failure) {
        return switch (failure) {
            case ProblemException problem -> problem;
            case StoreFailure store -> store(request, store);
            case ServerWebInputException input -> input(input);
            case DataBufferLimitException limit -> tooLarge();
            case ErrorResponse response -> ofStatus(response);
            case InvalidMediaTypeException unreadable ->
                new ProblemException(
                        ProblemType.UNSUPPORTED_MEDIA_TYPE, ProblemType.UNSUPPORTED_MEDIA_TYPE.explanation());
            default -> unforeseen(request, failure);
        };
    }

    private static ProblemException store(ServerHttpRequest request, StoreFailure failure) {
        // The lanes log a database that is away, once; what a request could not have is nobody's news but its sender's.
        if (failure.kind() == StoreFailure.Kind.FATAL || failure.kind() == StoreFailure.Kind.BAD_OPERATION) {
            RequestId.on(log.atError(), request)
                    .log("The database refused what a request needs: {}", failure.getMessage());
        } else {
            RequestId.on(log.atDebug(), request)
                    .log("A request got no answer from the database: {}", failure.getMessage());
        }
        return new ProblemException(Problems.problem(Problems.outcome(failure)));
    }

    private static ProblemException unforeseen(ServerHttpRequest request, Throwable failure) {
        if (AbortedException.isConnectionReset(failure)) {
            // The client is gone: nobody reads the answer, and nothing is wrong here that the log should tell.
            return new ProblemException(ProblemType.MALFORMED, "The rest of the request did not arrive.");
        }
        RequestId.on(log.atError(), request)
                .setCause(failure)
                .log("{} {} failed", request.getMethod(), request.getPath());
        return new ProblemException(ProblemType.INTERNAL, "The failure is in the log.");
    }

    private static ProblemException ofStatus(ErrorResponse response) {
        ProblemType type = ProblemType.ofStatus(response.getStatusCode().value());
        return new ProblemException(type, type.explanation(), response.getHeaders());
    }

    private static ProblemException input(ServerWebInputException input) {
        for (Throwable cause = input; cause != null; cause = cause.getCause()) {
            if (cause instanceof DataBufferLimitException) {
                return tooLarge();
            }
            if (cause instanceof JacksonException) {
                return new ProblemException(ProblemType.MALFORMED, "The body is not the JSON this route takes.");
            }
        }
        return new ProblemException(ProblemType.MALFORMED, "The request could not be read.");
    }

    private static ProblemException tooLarge() {
        return new ProblemException(ProblemType.CONTENT_TOO_LARGE, "The body is longer than the route takes.");
    }
}
