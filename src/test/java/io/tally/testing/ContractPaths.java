package io.tally.testing;

import io.swagger.v3.oas.models.OpenAPI;
import io.swagger.v3.oas.models.Operation;
import io.swagger.v3.oas.models.PathItem;
import io.swagger.v3.oas.models.PathItem.HttpMethod;
import java.net.URLDecoder;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/** Which path of the OpenAPI file a request is about. */
final class ContractPaths {

    private static final String COUNTER = "/v1/counters/{namespace}/{name}";

    /** Also the path of the counter called "events". */
    private static final String EVENTS = "/v1/counters/{namespace}/events";

    private final List<Resource> resources = new ArrayList<>();

    ContractPaths(OpenAPI api) {
        api.getPaths().forEach((path, item) -> resources.add(new Resource(path, item)));
    }

    /** A path of the file. */
    record Resource(String path, PathItem item) {

        /** What handles a method, HEAD as GET; {@code null} where the file has nothing. */
        @Nullable
        Operation operation(String method) {
            return switch (method) {
                case "GET", "HEAD" -> item.getGet();
                case "PUT" -> item.getPut();
                case "POST" -> item.getPost();
                case "PATCH" -> item.getPatch();
                case "DELETE" -> item.getDelete();
                default -> null;
            };
        }

        /** As {@code Allow} has them. */
        Set<String> methods() {
            Set<String> methods = new TreeSet<>(Set.of("OPTIONS"));
            item.readOperationsMap().keySet().stream().map(HttpMethod::name).forEach(methods::add);
            if (methods.contains("GET")) {
                methods.add("HEAD");
            }
            return methods;
        }

        /** How many segments of a path are literally those of this one; -1 where the path is another. */
        private int matching(String[] segments) {
            String[] own = path.split("/", -1);
            if (own.length != segments.length) {
                return -1;
            }
            int literals = 0;
            for (int i = 0; i < own.length; i++) {
                if (own[i].equals(decode(segments[i]))) {
                    literals++;
                } else if (!own[i].startsWith("{") || segments[i].isEmpty() || segments[i].startsWith(";")) {
                    return -1;
                }
            }
            return literals;
        }
    }

    /** {@code null} where the file does not have the path. */
    @Nullable
    Resource find(Exchange exchange) {
        Resource found = find(exchange.path());
        return found != null && found.path().equals(EVENTS) && !isAboutEvents(exchange)
                ? resources.stream()
                        .filter(resource -> resource.path().equals(COUNTER))
                        .findFirst()
                        .orElseThrow()
                : found;
    }

    private @Nullable Resource find(String path) {
        String[] segments = path.split("/", -1);
        Resource best = null;
        int most = -1;
        for (Resource resource : resources) {
            int literals = resource.matching(segments);
            if (literals > most) {
                most = literals;
                best = resource;
            }
        }
        return best;
    }

    private static boolean isAboutEvents(Exchange exchange) {
        if (!exchange.method().equals("GET") && !exchange.method().equals("HEAD")) {
            return false;
        }
        if (exchange.isSuccess() || exchange.status() == 304) {
            return exchange.mediaType().equals("text/event-stream");
        }
        return exchange.requestField("accept").contains("text/event-stream")
                || parameters(exchange.query()).containsKey("name");
    }

    /** A path of a request, spelled so that the validator finds the path of the file that it is about. */
    static String concrete(String path, String actual) {
        if (path.equals(EVENTS)) {
            return actual.replaceAll("[^/]+$", "events");
        }
        return path.equals(COUNTER) && decode(actual).endsWith("/events")
                ? actual.replaceAll("[^/]+$", "any")
                : withoutBlanks(actual);
    }

    /** The validator takes a parameter of white space for a missing one. */
    private static String withoutBlanks(String actual) {
        return Stream.of(actual.split("/", -1))
                .map(segment -> !segment.isEmpty() && decode(segment).isBlank() ? "_" : segment)
                .collect(Collectors.joining("/"));
    }

    /** The same for the values of a parameter of a query. */
    static List<String> withoutBlanks(List<String> values) {
        return values.stream()
                .map(value -> value.isBlank() && !value.isEmpty() ? "_" : value)
                .filter(value -> !value.isEmpty())
                .toList();
    }

    /** The parameters of a query. */
    static Map<String, List<String>> parameters(String query) {
        Map<String, List<String>> parameters = new LinkedHashMap<>();
        for (String parameter : query.split("&", -1)) {
            if (!parameter.isEmpty()) {
                String[] parts = parameter.split("=", 2);
                parameters
                        .computeIfAbsent(decode(parts[0]), name -> new ArrayList<>())
                        .add(parts.length == 1 ? "" : decode(parts[1]));
            }
        }
        return parameters;
    }

    private static String decode(String text) {
        if (text.indexOf('%') < 0 && text.indexOf('+') < 0) {
            return text;
        }
        try {
            return URLDecoder.decode(text, StandardCharsets.UTF_8);
        } catch (IllegalArgumentException malformed) {
            return text;
        }
    }
}
