package io.tally.http;

import io.tally.pipeline.StoreFailure;
import java.util.function.Supplier;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.springframework.core.io.buffer.DataBufferLimitException;
import org.springframework.http.InvalidMediaTypeException;
import org.springframework.http.converter.HttpMessageNotWritableException;
import org.springframework.util.InvalidMimeTypeException;
import org.springframework.web.ErrorResponse;
import org.springframework.web.server.ServerWebInputException;
import reactor.netty.channel.AbortedException;
import tools.jackson.core.JacksonException;

/** Translates exceptions into problems. A problem never contains the message of an exception. */
public final class Failures {

    private static final Logger log = LoggerFactory.getLogger(Failures.class);

    private Failures() {}

    /**
     * The problem to answer with.
     *
     * @param requestId of the request that failed, for the log
     * @param request its method and path, for the log
     */
    public static ProblemException problem(Throwable failure, String requestId, Supplier<String> request) {
        return switch (failure) {
            case ProblemException problem -> problem;
            case StoreFailure store -> store(store, requestId);
            case ServerWebInputException input -> input(input);
            case DataBufferLimitException limit -> tooLarge();
            case ErrorResponse response -> ofStatus(response);
            case InvalidMediaTypeException unreadable ->
                new ProblemException(
                        ProblemType.UNSUPPORTED_MEDIA_TYPE, ProblemType.UNSUPPORTED_MEDIA_TYPE.explanation());
            // Spring Boot's probes read Accept when they answer.
            case InvalidMimeTypeException unreadable ->
                new ProblemException(ProblemType.NOT_ACCEPTABLE, ProblemType.NOT_ACCEPTABLE.explanation());
            // They also take a charset from it, and the writer of JSON knows some of UTF only.
            case HttpMessageNotWritableException unwritable ->
                new ProblemException(ProblemType.NOT_ACCEPTABLE, ProblemType.NOT_ACCEPTABLE.explanation());
            default -> unexpected(failure, requestId, request);
        };
    }

    private static ProblemException store(StoreFailure failure, String requestId) {
        // The lanes log an unavailable database once; the failure of a single request concerns only its client.
        if (!failure.isRepeated() && (failure.kind() == StoreFailure.Kind.FATAL || failure.isRefusal())) {
            RequestId.on(log.atError(), requestId)
                    .log("The database rejected the statement of a request: {}", failure.getMessage());
        } else {
            RequestId.on(log.atDebug(), requestId)
                    .log("The database did not answer a request: {}", failure.getMessage());
        }
        return new ProblemException(Problems.problem(Problems.outcome(failure)));
    }

    private static ProblemException unexpected(Throwable failure, String requestId, Supplier<String> request) {
        if (failure instanceof AbortedException || AbortedException.isConnectionReset(failure)) {
            // The client has disconnected; this is no failure of the service.
            return new ProblemException(ProblemType.MALFORMED, "The rest of the request did not arrive.");
        }
        RequestId.on(log.atError(), requestId).setCause(failure).log("{} failed", request.get());
        return new ProblemException(ProblemType.INTERNAL, "The log of the service contains the failure.");
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
                return new ProblemException(ProblemType.MALFORMED, Bodies.NOT_JSON);
            }
        }
        return new ProblemException(ProblemType.MALFORMED, "The request is malformed.");
    }

    private static ProblemException tooLarge() {
        return new ProblemException(ProblemType.CONTENT_TOO_LARGE, "The body exceeds the limit of the route.");
    }
}
