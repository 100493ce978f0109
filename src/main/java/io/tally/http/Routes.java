package io.tally.http;

import java.util.Collections;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;
import org.springframework.http.CacheControl;
import org.springframework.http.HttpHeaders;
import org.springframework.http.HttpMethod;
import org.springframework.http.MediaType;
import org.springframework.web.reactive.function.BodyInserters;
import org.springframework.web.reactive.function.server.HandlerFunction;
import org.springframework.web.reactive.function.server.RequestPredicate;
import org.springframework.web.reactive.function.server.RequestPredicates;
import org.springframework.web.reactive.function.server.RouterFunction;
import org.springframework.web.reactive.function.server.ServerRequest;
import org.springframework.web.reactive.function.server.ServerResponse;
import reactor.core.publisher.Mono;

/** Builds the routes of resources: a path, and a handler for each method. */
public final class Routes {

    private static final String API = "/v1/";

    /** Numbers for the pages of the console. Needs credentials, as the API does. */
    public static final String CONSOLE_STATUS = "/console/status";

    private Routes() {}

    /** Whether a path has JSON for programs, and not a file, a page or a probe. */
    public static boolean isApi(String path) {
        return path.startsWith(API) || path.equals(CONSOLE_STATUS);
    }

    /** The resource at a path pattern. */
    public static Resource resource(String pattern) {
        return new Resource(pattern);
    }

    /** A response with a JSON body. */
    public static Mono<ServerResponse> json(ServerResponse.BodyBuilder response, Object body) {
        return response.contentType(MediaType.APPLICATION_JSON).bodyValue(body);
    }

    /** A response with a list as JSON, which may be long: compressed if the request accepts that. */
    public static Mono<ServerResponse> list(Object body) {
        return ServerResponse.ok()
                .contentType(MediaType.APPLICATION_JSON)
                .varyBy(HttpHeaders.ACCEPT_ENCODING)
                .body((response, context) -> BodyInserters.fromValue(body)
                        .insert(
                                context.serverRequest()
                                                .filter(GzipResponse::isAccepted)
                                                .isPresent()
                                        ? new GzipResponse(response)
                                        : response,
                                context));
    }

    /** The status and header fields of a stream of events. */
    public static ServerResponse.BodyBuilder events() {
        return ServerResponse.ok()
                .contentType(MediaType.TEXT_EVENT_STREAM)
                .cacheControl(CacheControl.noStore())
                // Makes nginx and similar proxies pass on each event at once.
                .header("X-Accel-Buffering", "no");
    }

    /**
     * The route of a resource.
     *
     * @param allowed the methods of the resource
     * @param requests matches the requests for the resource
     */
    public record Route(
            String pattern,
            Set<HttpMethod> allowed,
            RequestPredicate requests,
            HandlerFunction<ServerResponse> handler) {}

    /**
     * All routes as one: the first that matches a request handles it. (Spring would chain them, and each link would
     * cost every request as much as a comparison with a path.)
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
        private final Map<HttpMethod, Method> methods = new LinkedHashMap<>();
        private final Set<String> repeatable = new HashSet<>();
        private @Nullable RequestPredicate condition;
        private boolean conditional;

        private Resource(String pattern) {
            this.pattern = pattern;
        }

        /**
         * Adds a method that produces JSON. A resource with GET also supports HEAD.
         *
         * @param action the action that the caller needs: in the namespace of the path, or in any where the path has
         *     none
         * @param taken the allowed parameters of the query, each once
         */
        public Resource on(HttpMethod method, Action action, HandlerFunction<ServerResponse> handler, String... taken) {
            return on(method, action, List.of(MediaType.APPLICATION_JSON), handler, taken);
        }

        /** Adds a method that produces one of these types. */
        public Resource on(
                HttpMethod method,
                Action action,
                List<MediaType> produced,
                HandlerFunction<ServerResponse> handler,
                String... taken) {
            return on(method, produced, handler, new Permission(List.of(action), namespacePosition()), taken);
        }

        /**
         * Adds a method that produces JSON, and whose body decides which action the caller needs. Its handler requires
         * that action.
         *
         * @param actions the actions of which each caller needs one
         */
        public Resource onAny(HttpMethod method, List<Action> actions, HandlerFunction<ServerResponse> handler) {
            return on(
                    method, List.of(MediaType.APPLICATION_JSON), handler, new Permission(actions, namespacePosition()));
        }

        /** Adds a GET that produces JSON and needs valid credentials, but no grant. */
        public Resource onGetOfAnyCaller(HandlerFunction<ServerResponse> handler) {
            return on(HttpMethod.GET, List.of(MediaType.APPLICATION_JSON), handler, null);
        }

        /** Adds a GET that needs no credentials. {@link PublicPaths} has its path, too. */
        public Resource onPublicGet(List<MediaType> produced, HandlerFunction<ServerResponse> handler) {
            return on(HttpMethod.GET, produced, handler, null);
        }

        /** Adds a method that needs no credentials and has no body in its response. */
        public Resource onPublic(HttpMethod method, HandlerFunction<ServerResponse> handler) {
            return on(method, List.of(MediaType.APPLICATION_JSON), handler, null);
        }

        private Resource on(
                HttpMethod method,
                List<MediaType> produced,
                HandlerFunction<ServerResponse> handler,
                @Nullable Permission permission,
                String... taken) {
            methods.put(method, new Method(produced, handler, permission, new LinkedHashSet<>(List.of(taken))));
            if (method.equals(HttpMethod.GET)) {
                on(HttpMethod.HEAD, produced, handler, permission, taken);
            }
            return this;
        }

        /** The segment of the path that is a namespace, counted from 0; -1 if there is none. */
        private int namespacePosition() {
            return List.of(pattern.substring(1).split("/")).indexOf("{namespace}");
        }

        /** Allows a parameter more than once in a query. */
        public Resource repeatable(String parameter) {
            repeatable.add(parameter);
            return this;
        }

        /** Restricts the route to some requests; later routes handle the others. */
        public Resource where(RequestPredicate kind) {
            condition = kind;
            return this;
        }

        /** Lets the resource's own write methods evaluate {@code If-Match}. Otherwise they refuse it. */
        Resource conditional() {
            conditional = true;
            return this;
        }

        /** Builds the route. It also answers OPTIONS, and every other method with 405 and {@code Allow}. */
        public Route build() {
            Map<HttpMethod, Method> fixed = Map.copyOf(methods);
            Set<HttpMethod> allowed = new LinkedHashSet<>(methods.keySet());
            allowed.add(HttpMethod.OPTIONS);
            RequestPredicate path = RequestPredicates.path(pattern);
            boolean api = isApi(pattern);
            return new Route(
                    pattern,
                    Collections.unmodifiableSet(allowed),
                    condition == null ? path : path.and(condition),
                    request -> {
                        if (api) {
                            Int64Form.choose(request);
                        }
                        return handle(fixed, allowed, request);
                    });
        }

        private Mono<ServerResponse> handle(
                Map<HttpMethod, Method> methods, Set<HttpMethod> allowed, ServerRequest request) {
            Method method = methods.get(request.method());
            if (method != null) {
                method.requirePermission(request);
                method.requireAccepted(request);
                if (!method.isPage()) {
                    RequestQuery.requireKnown(request, method.parameters(), repeatable);
                    Int64Form.choose(request, method.parameters());
                }
                return answer(method.handler(), request);
            }
            if (request.method().equals(HttpMethod.OPTIONS)) {
                if (methods.values().stream().noneMatch(Method::isPage)) {
                    RequestQuery.requireKnown(request, parameters(methods), repeatable);
                }
                return ServerResponse.noContent()
                        .headers(headers -> headers.setAllow(allowed))
                        .build();
            }
            HttpHeaders headers = new HttpHeaders();
            headers.setAllow(allowed);
            throw new ProblemException(
                    ProblemType.METHOD_NOT_ALLOWED, request.method() + " is not a method of this resource.", headers);
        }

        private static Set<String> parameters(Map<HttpMethod, Method> methods) {
            return methods.values().stream()
                    .flatMap(method -> method.parameters().stream())
                    .collect(Collectors.toCollection(LinkedHashSet::new));
        }

        private Mono<ServerResponse> answer(HandlerFunction<ServerResponse> handler, ServerRequest request) {
            if (isRead(request.method())) {
                return handler.handle(request).flatMap(found -> Preconditions.evaluate(request, found));
            }
            if (!conditional) {
                Preconditions.requireNone(request);
            }
            return handler.handle(request);
        }
    }

    private static boolean isRead(HttpMethod method) {
        return method.equals(HttpMethod.GET) || method.equals(HttpMethod.HEAD);
    }

    /**
     * What a caller needs for a method.
     *
     * @param actions one of these
     * @param namespacePosition the segment of the path that is the namespace; -1 if it has none
     */
    private record Permission(List<Action> actions, int namespacePosition) {

        void require(ServerRequest request) {
            Caller caller = Caller.of(request);
            if (namespacePosition < 0) {
                caller.requireAny(actions);
            } else {
                caller.requireAny(actions, RequestPath.segment(request, namespacePosition));
            }
        }
    }

    /**
     * The handler of one method of a resource. Refuses unknown parameters instead of ignoring them.
     *
     * @param permission {@code null} if each request that the gate admits may call it
     */
    private record Method(
            List<MediaType> produced,
            HandlerFunction<ServerResponse> handler,
            @Nullable Permission permission,
            Set<String> parameters) {

        void requirePermission(ServerRequest request) {
            if (permission != null) {
                permission.require(request);
            }
        }

        /** Whether the response is a page. A page ignores {@code Accept}, and parameters that mail programs add. */
        boolean isPage() {
            return produced.contains(MediaType.ALL);
        }

        void requireAccepted(ServerRequest request) {
            if (!isPage() && Accept.preferred(request, produced).isEmpty()) {
                throw new ProblemException(ProblemType.NOT_ACCEPTABLE, "The route produces " + produced + ".");
            }
        }
    }
}
