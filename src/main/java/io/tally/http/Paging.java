package io.tally.http;

import java.util.List;
import java.util.Optional;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;
import org.springframework.web.reactive.function.server.ServerRequest;

/**
 * The requested page of a list: {@code ?limit=100&cursor=…}.
 *
 * @param limit the maximum of items, 1 to {@link #LIMIT_MAX}
 * @param after the place before the page, {@code null} for the first page
 */
public record Paging(int limit, @Nullable List<String> after) {

    /** The maximum of items on a page. */
    public static final int LIMIT_MAX = 1_000;

    private static final int LIMIT_DEFAULT = 100;

    /**
     * The page that a request asks for.
     *
     * @param list see {@link Cursor#read}
     * @throws ProblemException if a parameter is malformed
     */
    public static Paging of(ServerRequest request, List<String> list) {
        return new Paging(
                limit(request.queryParam("limit")),
                request.queryParam("cursor")
                        .map(cursor -> Cursor.read(list, cursor))
                        .orElse(null));
    }

    /** A page as JSON; {@code next} is the cursor of the page after it, {@code null} if there is none. */
    public record Page<T>(List<T> items, @Nullable String next) {}

    /**
     * The page that begins with these items.
     *
     * @param found at most one item more than the limit
     * @param place the place of an item, as {@link #after} returns it
     */
    public <T> Page<T> page(List<T> found, List<String> list, Function<T, List<String>> place) {
        return found.size() > limit
                ? new Page<>(found.subList(0, limit), Cursor.write(list, place.apply(found.get(limit - 1))))
                : new Page<>(found, null);
    }

    private static int limit(Optional<String> text) {
        if (text.isEmpty()) {
            return LIMIT_DEFAULT;
        }
        String digits = text.get();
        if (!digits.matches("[1-9][0-9]{0,3}") || Integer.parseInt(digits) > LIMIT_MAX) {
            throw Bodies.malformed("'limit' must be between 1 and " + LIMIT_MAX + ".");
        }
        return Integer.parseInt(digits);
    }
}
