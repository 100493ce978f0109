package io.tally.http;

import io.micrometer.common.KeyValue;
import io.netty.channel.Channel;
import org.jspecify.annotations.Nullable;
import org.slf4j.spi.LoggingEventBuilder;
import org.springframework.http.HttpHeaders;
import org.springframework.http.ProblemDetail;
import org.springframework.http.server.reactive.ServerHttpRequest;
import org.springframework.http.server.reactive.observation.ServerRequestObservationContext;
import org.springframework.web.server.ServerWebExchange;

/**
 * The id of a request in its problem, the log and its trace: the {@code X-Request-Id} from the client or a proxy,
 * otherwise an id of the server from a connection and a sequence number. Responses without a problem have none, which
 * keeps the hot path cheap.
 */
public final class RequestId {

    public static final String HEADER = "X-Request-Id";

    /** The member of a problem, and the field of a line in a structured log. */
    public static final String NAME = "requestId";

    /** Longer than ids in practice, and short enough not to flood a log. */
    private static final int LENGTH_MAX = 128;

    private RequestId() {}

    /** The id that a client sent; {@code null} if it sent none, or one with unsafe characters for a log. */
    public static @Nullable String sent(@Nullable String field) {
        if (field == null || field.isEmpty() || field.length() > LENGTH_MAX) {
            return null;
        }
        // A loop instead of a stream: behind a proxy that sends ids, every increment runs this code.
        for (int i = 0; i < field.length(); i++) {
            if (field.charAt(i) <= ' ' || field.charAt(i) >= 0x7f) {
                return null;
            }
        }
        return field;
    }

    /** Sets the id from the client on an exchange, for its problem and for the log lines of Spring. */
    public static void set(ServerWebExchange exchange, @Nullable String sent) {
        if (sent != null) {
            exchange.getAttributes().put(ServerWebExchange.LOG_ID_ATTRIBUTE, sent);
        }
    }

    public static String of(ServerHttpRequest request) {
        return (String) request.getAttributes().getOrDefault(ServerWebExchange.LOG_ID_ATTRIBUTE, request.getId());
    }

    /** The id of a request that bypasses the dispatcher. The letter distinguishes it from ids of the dispatcher. */
    public static String of(Channel connection, long number) {
        return of(connection) + "-" + number + "d";
    }

    /** The id of an unreadable request: the id of its connection, the prefix of the server's own ids. */
    public static String of(Channel connection) {
        return connection.id().asShortText();
    }

    /** Adds the id to the trace of a request. */
    static void trace(ServerHttpRequest request, String id) {
        ServerRequestObservationContext.findCurrent(request.getAttributes())
                .ifPresent(trace -> trace.addHighCardinalityKeyValue(KeyValue.of(NAME, id)));
    }

    /** Adds the id of the request to a problem and its header fields. */
    static void mark(ProblemDetail problem, String id, HttpHeaders answer) {
        problem.setProperty(NAME, id);
        answer.set(HEADER, id);
    }

    /** Adds the id of its request to a log line. */
    public static LoggingEventBuilder on(LoggingEventBuilder line, ServerHttpRequest request) {
        return on(line, of(request));
    }

    /** Adds that request id to a log line. */
    public static LoggingEventBuilder on(LoggingEventBuilder line, String requestId) {
        return line.addKeyValue(NAME, requestId);
    }
}
