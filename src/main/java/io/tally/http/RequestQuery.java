package io.tally.http;

import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.stream.Stream;
import org.springframework.web.reactive.function.server.ServerRequest;

/**
 * Decodes parameters of queries, as strictly as paths: with invalid UTF-8 replaced, the request would concern another
 * resource than the client meant.
 */
public final class RequestQuery {

    private RequestQuery() {}

    /**
     * The values of a parameter, in their order; empty where the parameter stands without an equals sign.
     *
     * @throws ProblemException if one is not percent-encoded UTF-8
     */
    public static List<String> values(ServerRequest request, String name) {
        String query = request.uri().getRawQuery();
        return query == null
                ? List.of()
                : Stream.of(query.split("&", -1))
                        .map(parameter -> parameter.split("=", 2))
                        .filter(parameter -> decode(parameter[0]).equals(name))
                        .map(parameter -> parameter.length == 1 ? "" : decode(parameter[1]))
                        .toList();
    }

    /**
     * Requires that a query has no other parameters than these.
     *
     * @param taken each may stand once
     * @param repeatable those that may stand more than once
     * @throws ProblemException which names the parameter and those that are taken
     */
    static void requireKnown(ServerRequest request, Set<String> taken, Set<String> repeatable) {
        String query = request.uri().getRawQuery();
        if (query == null) {
            return;
        }
        Set<String> seen = new HashSet<>();
        for (String parameter : query.split("&", -1)) {
            String name = decode(parameter.split("=", 2)[0]);
            if (!parameter.isEmpty() && !taken.contains(name)) {
                throw Bodies.malformed("'" + name + "' is not a parameter of this request. Allowed: "
                        + (taken.isEmpty() ? "none." : String.join(", ", taken) + "."));
            }
            if (!seen.add(name) && !parameter.isEmpty() && !repeatable.contains(name)) {
                throw Bodies.malformed("'" + name + "' must not occur more than once in the query.");
            }
        }
    }

    private static String decode(String text) {
        // A plus sign is a space in forms, and where browsers write queries.
        return RequestPath.decode(text.replace('+', ' '));
    }
}
