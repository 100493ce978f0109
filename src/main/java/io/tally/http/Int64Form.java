package io.tally.http;

import java.util.List;
import java.util.Set;
import org.springframework.http.HttpHeaders;
import org.springframework.http.server.reactive.ServerHttpRequest;
import org.springframework.http.server.reactive.ServerHttpResponse;
import org.springframework.web.reactive.function.server.ServerRequest;
import reactor.core.publisher.Mono;

/**
 * The form of the 64-bit numbers in a response. {@code Prefer: int64=string} asks for strings, and so does {@code
 * ?int64=string} where a response may be a stream of events: an {@code EventSource} cannot send header fields.
 */
public enum Int64Form {
    /** JSON numbers. A client that parses them as doubles rounds those beyond 2<sup>53</sup>. */
    NUMBER,
    /** Strings of decimal digits, with a minus sign before negative ones. */
    STRING;

    /** The parameter of the query, and the name of the preference. */
    public static final String PARAMETER = "int64";

    private static final String VALUE = "string";
    private static final String ATTRIBUTE = Int64Form.class.getName();

    /** The form for the response to a request. */
    public static Int64Form of(ServerRequest request) {
        return of(request.exchange().getRequest());
    }

    static Int64Form of(ServerHttpRequest request) {
        return (Int64Form) request.getAttributes().getOrDefault(ATTRIBUTE, NUMBER);
    }

    /**
     * Chooses the form for the response to a request. Strings are announced by {@code Preference-Applied}, unless the
     * response has no body.
     */
    static void choose(ServerRequest request) {
        if (prefersStrings(request.headers().header(Preferences.HEADER))) {
            chooseStrings(request);
        }
    }

    /** Whether a request with these Prefer fields prefers strings. */
    public static boolean prefersStrings(List<String> fields) {
        return Preferences.of(fields).has(PARAMETER, VALUE);
    }

    /**
     * The same for the parameter of the query.
     *
     * @param allowed the parameters of the route
     * @throws ProblemException if the route has this parameter, and it has another value
     */
    static void choose(ServerRequest request, Set<String> allowed) {
        List<String> values = allowed.contains(PARAMETER) ? RequestQuery.values(request, PARAMETER) : List.of();
        if (values.equals(List.of(VALUE))) {
            chooseStrings(request);
        } else if (!values.isEmpty()) {
            throw Bodies.malformed("'" + PARAMETER + "' must be " + VALUE + ".");
        }
    }

    private static void chooseStrings(ServerRequest request) {
        if (request.exchange().getAttributes().put(ATTRIBUTE, STRING) == null) {
            ServerHttpResponse response = request.exchange().getResponse();
            response.beforeCommit(() -> Mono.fromRunnable(() -> announce(response.getHeaders())));
        }
    }

    private static void announce(HttpHeaders fields) {
        if (fields.getContentType() != null) {
            Preferences.applied(fields, PARAMETER, VALUE);
        }
    }
}
