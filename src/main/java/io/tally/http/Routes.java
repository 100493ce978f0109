package io.tally.http;

import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import org.springframework.http.HttpHeaders;
import org.springframework.http.HttpMethod;
import org.springframework.http.InvalidMediaTypeException;
import org.springframework.http.MediaType;
import org.springframework.web.reactive.function.server.HandlerFunction;
import org.springframework.web.reactive.function.server.RequestPredicate;
import org.springframework.web.reactive.function.server.RequestPredicates;
import org.springframework.web.reactive.function.server.RouterFunction;
import org.springframework.web.reactive.function.server.ServerRequest;
import org.springframework.web.reactive.function.server.ServerResponse;
import reactor.core.publisher.Mono;

/** Resources: a path, and what each method does there. */
public final class Routes {

    private Routes() {}

    /** The resource at a path pattern, which answers with JSON. */
    public static Resource resource(String pattern) {
        return resource(pattern, MediaType.APPLICATION_JSON);
    }

    /** The resource at a path pattern, which answers with one of these. */
    public static Resource resource(String pattern, MediaType... produced) {
        return new Resource(pattern, List.of(produced));
    }

    /** A page for people, at a path pattern: it ignores {@code Accept}. */
    static Resource page(String pattern) {
        return new Resource(pattern, List.of(MediaType.ALL));
    }

    /** A body as JSON. */
    public static Mono<ServerResponse> json(ServerResponse.BodyBuilder response, Object body) {
        return response.contentType(MediaType.APPLICATION_JSON).bodyValue(body);
    }

    /** Which requests are about a resource, and what becomes of them. */
    public record Route(RequestPredicate requests, HandlerFunction<ServerResponse> handler) {}

    /**
     * All routes as one: the first that a request is about. (Spring would make a chain of them, each link of which
     * costs every request as much as holding it against a path.)
     */
    public static RouterFunction<ServerResponse> first(List<Route> routes) {
        return request -> {
            for (Route route : routes) {
                if (route.requests().test(request)) {
                    return Mono.just(route.handler());
                }
            }
            return Mono.empty();
        };
    }

    /** See {@link Routes#resource}. */
    public static final class Resource {

        private final String pattern;
        private final List<MediaType> produced;
        private final Map<HttpMethod, HandlerFunction<ServerResponse>> handlers = new LinkedHashMap<>();
        private final Map<HttpMethod, Set<String>> parameters = new LinkedHashMap<>();
        private final Set<String> repeatable = new HashSet<>();
        private @Nullable RequestPredicate condition;

        private Resource(String pattern, List<MediaType> produced) {
            this.pattern = pattern;
            this.produced = produced;
        }

        /**
         * What a method does. A resource with GET answers HEAD, too.
         *
         * @param taken the parameters that its query may have, each once
         */
        public Resource on(HttpMethod method, HandlerFunction<ServerResponse> handler, String... taken) {
            handlers.put(method, handler);
            parameters.put(method, new LinkedHashSet<>(List.of(taken)));
            if (method.equals(HttpMethod.GET)) {
                handlers.put(HttpMethod.HEAD, handler);
                parameters.put(HttpMethod.HEAD, parameters.get(method));
            }
            return this;
        }

        /** Lets a query have that parameter more than once. */
        public Resource repeatable(String parameter) {
            repeatable.add(parameter);
            return this;
        }

        /** Leaves requests that are not of this kind to the routes after this one. */
        public Resource where(RequestPredicate kind) {
            condition = kind;
            return this;
        }

        /** The route: answers OPTIONS, and 405 with {@code Allow} to every other method. */
        public Route build() {
            Map<HttpMethod, HandlerFunction<ServerResponse>> fixed = Map.copyOf(handlers);
            Set<HttpMethod> allowed = new LinkedHashSet<>(handlers.keySet());
            allowed.add(HttpMethod.OPTIONS);
            Set<String> any = new LinkedHashSet<>();
            parameters.values().forEach(any::addAll);
            parameters.put(HttpMethod.OPTIONS, any);
            RequestPredicate path = RequestPredicates.path(pattern);
            return new Route(
                    condition == null ? path : path.and(condition), request -> handle(fixed, allowed, request));
        }

        private Mono<ServerResponse> handle(
                Map<HttpMethod, HandlerFunction<ServerResponse>> handlers,
                Set<HttpMethod> allowed,
                ServerRequest request) {
            HandlerFunction<ServerResponse> handler = handlers.get(request.method());
            if (handler != null) {
                requireAccepted(request);
                requireKnownParameters(request);
                return handler.handle(request);
            }
            if (request.method().equals(HttpMethod.OPTIONS)) {
                requireKnownParameters(request);
                return ServerResponse.noContent()
                        .headers(headers -> headers.setAllow(allowed))
                        .build();
            }
            HttpHeaders headers = new HttpHeaders();
            headers.setAllow(allowed);
            throw new ProblemException(
                    ProblemType.METHOD_NOT_ALLOWED,
                    request.method() + " is not one of the methods this resource takes.",
                    headers);
        }

        private void requireAccepted(ServerRequest request) {
            if (!isAccepted(request)) {
                throw new ProblemException(ProblemType.NOT_ACCEPTABLE, "The route answers with " + produced + ".");
            }
        }

        /** What a route would ignore is refused, as unknown members of a body are. */
        private void requireKnownParameters(ServerRequest request) {
            if (!isPage()) {
                RequestQuery.requireKnown(request, parameters.getOrDefault(request.method(), Set.of()), repeatable);
            }
        }

        /** Whether it is a page for people, which browsers and mail programs add parameters to. */
        private boolean isPage() {
            return produced.contains(MediaType.ALL);
        }

        private boolean isAccepted(ServerRequest request) {
            try {
                List<MediaType> accepted = request.headers().accept();
                return accepted.isEmpty()
                        || accepted.stream()
                                .anyMatch(type -> type.getQualityValue() > 0
                                        && produced.stream().anyMatch(type::isCompatibleWith));
            } catch (InvalidMediaTypeException unreadable) {
                // A page for people ignores Accept.
                return isPage();
            }
        }
    }
}
