package io.tally.http;

import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;
import org.springframework.web.reactive.function.server.ServerRequest;

/**
 * Which page of a list a request asks for: {@code ?limit=100&cursor=…}.
 *
 * @param limit the most items, 1 to {@link #LIMIT_MAX}
 * @param after the place after which the page begins, {@code null} for the first
 */
public record Paging(int limit, @Nullable List<String> after) {

    /** The most items on a page. */
    public static final int LIMIT_MAX = 1_000;

    private static final int LIMIT_DEFAULT = 100;

    /**
     * What a request asks for.
     *
     * @param list see {@link Cursor#read}
     * @throws ProblemException where a parameter is malformed
     */
    public static Paging of(ServerRequest request, List<String> list) {
        return new Paging(
                limit(request.queryParam("limit")),
                request.queryParam("cursor")
                        .map(cursor -> Cursor.read(list, cursor))
                        .orElse(null));
    }

    private static int limit(Optional<String> text) {
        if (text.isEmpty()) {
            return LIMIT_DEFAULT;
        }
        String digits = text.get();
        if (!digits.matches("[1-9][0-9]{0,3}") || Integer.parseInt(digits) > LIMIT_MAX) {
            throw Bodies.malformed("'limit' is 1 to " + LIMIT_MAX + ".");
        }
        return Integer.parseInt(digits);
    }
}
