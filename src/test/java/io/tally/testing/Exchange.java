package io.tally.testing;

import java.net.URI;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * A request and its response, as far as a client knows them.
 *
 * @param method empty where the request is not one of HTTP
 * @param target the path and the query, as they were sent
 * @param requestFields the header fields of the request, with names in lower case
 * @param requestBody {@code null} where it is not known
 * @param fields the header fields of the response, with names in lower case
 * @param body {@code null} where it was not read, or is compressed
 */
public record Exchange(
        String method,
        String target,
        Map<String, List<String>> requestFields,
        @Nullable String requestBody,
        int status,
        Map<String, List<String>> fields,
        @Nullable String body) {

    /** Of an HTTP client. */
    public static Exchange of(
            String method,
            URI uri,
            Map<String, List<String>> requestFields,
            @Nullable String requestBody,
            int status,
            Map<String, List<String>> fields,
            @Nullable String body) {
        String query = uri.getRawQuery() == null ? "" : "?" + uri.getRawQuery();
        Map<String, List<String>> lower = lowerCase(fields);
        boolean plain = !method.equals("HEAD") && !lower.containsKey("content-encoding");
        return new Exchange(
                method,
                uri.getRawPath() + query,
                lowerCase(requestFields),
                requestBody,
                status,
                lower,
                plain ? body : null);
    }

    private static Map<String, List<String>> lowerCase(Map<String, List<String>> fields) {
        Map<String, List<String>> lower = new TreeMap<>();
        fields.forEach((name, values) -> lower.put(name.toLowerCase(Locale.ROOT), values));
        return lower;
    }

    /** Without the response's header fields of CORS, which the file describes once for all responses. */
    Exchange withoutCors() {
        Map<String, List<String>> others = new TreeMap<>(fields);
        others.keySet().removeIf(name -> name.startsWith("access-control-"));
        others.computeIfPresent("vary", (name, values) -> {
            List<String> rest = values.stream()
                    .flatMap(value -> Stream.of(value.split(", ", -1)))
                    .filter(value -> !value.equals("Origin") && !value.startsWith("Access-Control-Request-"))
                    .toList();
            return rest.isEmpty() ? null : List.of(String.join(", ", rest));
        });
        return new Exchange(method, target, requestFields, requestBody, status, others, body);
    }

    /** The path without the query. */
    String path() {
        return target.split("\\?", 2)[0];
    }

    /** The query, empty where there is none. */
    String query() {
        int mark = target.indexOf('?');
        return mark < 0 ? "" : target.substring(mark + 1);
    }

    /** A header field of the response, empty where it has none. */
    String field(String name) {
        return String.join(",", fields.getOrDefault(name, List.of()));
    }

    /** A header field of the request, empty where it has none. */
    String requestField(String name) {
        return String.join(",", requestFields.getOrDefault(name, List.of()));
    }

    /** The media type of the response without parameters. */
    String mediaType() {
        return field("content-type").split(";", 2)[0].strip().toLowerCase(Locale.ROOT);
    }

    boolean isSuccess() {
        return status >= 200 && status < 300;
    }

    @Override
    public String toString() {
        return method + " " + target + " -> " + status + " " + fields + " " + body;
    }
}
