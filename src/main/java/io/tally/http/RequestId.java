package io.tally.http;

import io.micrometer.common.KeyValue;
import io.netty.channel.Channel;
import org.slf4j.spi.LoggingEventBuilder;
import org.springframework.http.HttpHeaders;
import org.springframework.http.ProblemDetail;
import org.springframework.http.server.reactive.ServerHttpRequest;
import org.springframework.http.server.reactive.observation.ServerRequestObservationContext;
import reactor.netty.http.server.HttpServerRequest;

/**
 * What a problem, the log and a trace call one request: its {@code X-Request-Id}, as proxies give it, or else what the
 * server calls it in its own log lines: its connection, and a running number. An answer without a problem carries none,
 * so that nothing is spent on it.
 */
public final class RequestId {

    public static final String HEADER = "X-Request-Id";

    /** The member of a problem, and the field of a line in a structured log. */
    public static final String NAME = "requestId";

    /** Longer than any in use, and too short to fill a log with. */
    private static final int LENGTH_MAX = 128;

    private RequestId() {}

    public static String of(ServerHttpRequest request) {
        String given = request.getHeaders().getFirst(HEADER);
        return given != null && isUsable(given) ? given : request.getId();
    }

    /** Of a request that does not pass the dispatcher; the letter keeps its number apart from the dispatcher's. */
    public static String of(HttpServerRequest request) {
        String given = request.requestHeaders().get(HEADER);
        return given != null && isUsable(given) ? given : request.requestId() + "d";
    }

    /** Of a request that could not be read: its connection, with which the server's own names begin. */
    public static String of(Channel connection) {
        return connection.id().asShortText();
    }

    /** Any other might be mistaken for something else in a log. */
    private static boolean isUsable(String given) {
        return !given.isEmpty() && given.length() <= LENGTH_MAX && given.chars().allMatch(c -> c > ' ' && c < 0x7f);
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
