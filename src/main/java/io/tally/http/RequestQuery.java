package io.tally.http;

import java.util.List;
import java.util.stream.Stream;
import org.springframework.web.reactive.function.server.ServerRequest;

/**
 * Parameters of queries, as text. They are decoded as strictly as paths are: what is no UTF-8 would name another thing
 * than the caller meant.
 */
public final class RequestQuery {

    private RequestQuery() {}

    /**
     * The values of a parameter, in their order.
     *
     * @throws ProblemException where one is not percent-encoded UTF-8
     */
    public static List<String> values(ServerRequest request, String name) {
        String query = request.uri().getRawQuery();
        return query == null
                ? List.of()
                : Stream.of(query.split("&", -1))
                        .filter(parameter -> parameter.startsWith(name + "="))
                        // A plus sign is a space in forms, and where browsers write queries.
                        .map(parameter -> RequestPath.decode(
                                parameter.substring(name.length() + 1).replace('+', ' ')))
                        .toList();
    }
}
