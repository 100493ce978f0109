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
import reactor.netty.http.server.HttpServerRequest;

/**
 * The id of a request in its problem, the log and its trace: the {@code X-Request-Id} that the client or a proxy sent,
 * or else the server's own, of a connection and a running number. Responses without a problem carry none, so that
 * nothing is spent on them.
 */
public final class RequestId {

    public static final String HEADER = "X-Request-Id";

    /** The member of a problem, and the field of a line in a structured log. */
    public static final String NAME = "requestId";

    /** Longer than any in use, and too short to fill a log with. */
    private static final int LENGTH_MAX = 128;

    private RequestId() {}

    /** The id that a client sent, {@code null} where it sent none or one that could be misread in a log. */
    public static @Nullable String sent(@Nullable String field) {
        if (field == null || field.isEmpty() || field.length() > LENGTH_MAX) {
            return null;
        }
        // No stream: where a proxy sends ids, every increment passes here.
        for (int i = 0; i < field.length(); i++) {
            if (field.charAt(i) <= ' ' || field.charAt(i) >= 0x7f) {
                return null;
            }
        }
        return field;
    }

    /** Gives an exchange the id that its client sent, for its problem and for what Spring logs about it. */
    public static void set(ServerWebExchange exchange, @Nullable String sent) {
        if (sent != null) {
            exchange.getAttributes().put(ServerWebExchange.LOG_ID_ATTRIBUTE, sent);
        }
    }

    public static String of(ServerHttpRequest request) {
        return (String) request.getAttributes().getOrDefault(ServerWebExchange.LOG_ID_ATTRIBUTE, request.getId());
    }

    /** Of a request that does not pass the dispatcher; the letter keeps its number apart from the dispatcher's. */
    public static String of(HttpServerRequest request, @Nullable String sent) {
        return sent != null ? sent : request.requestId() + "d";
    }

    /** Of a request that could not be read: its connection, with which the server's own names begin. */
    public static String of(Channel connection) {
        return connection.id().asShortText();
    }

    /** Gives a request's trace its identity. */
    static void trace(ServerHttpRequest request, String id) {
        ServerRequestObservationContext.findCurrent(request.getAttributes())
                .ifPresent(trace -> trace.addHighCardinalityKeyValue(KeyValue.of(NAME, id)));
    }

    /** Gives a problem the identity of the request that it is the answer to. */
    static void mark(ProblemDetail problem, String id, HttpHeaders answer) {
        problem.setProperty(NAME, id);
        answer.set(HEADER, id);
    }

    /** Gives a line of the log the identity of the request that it is about. */
    public static LoggingEventBuilder on(LoggingEventBuilder line, ServerHttpRequest request) {
        return on(line, of(request));
    }

    /** The same, of the request with that identity. */
    public static LoggingEventBuilder on(LoggingEventBuilder line, String requestId) {
        return line.addKeyValue(NAME, requestId);
    }
}
