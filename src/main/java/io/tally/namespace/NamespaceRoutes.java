package io.tally.namespace;

import io.tally.http.Action;
import io.tally.http.Bodies;
import io.tally.http.Caller;
import io.tally.http.Cursor;
import io.tally.http.Paging;
import io.tally.http.Paging.Page;
import io.tally.http.RequestQuery;
import io.tally.http.Routes;
import io.tally.http.Routes.Route;
import io.tally.namespace.Namespaces.Size;
import java.time.Instant;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Configuration;
import org.springframework.http.HttpMethod;
import org.springframework.web.reactive.function.server.ServerRequest;
import org.springframework.web.reactive.function.server.ServerResponse;
import reactor.core.publisher.Mono;

/** {@code GET /v1/namespaces}: the namespaces that the caller may read, page by page. */
@Configuration(proxyBeanMethods = false)
class NamespaceRoutes {

    static final String PREFIX = "prefix";

    private static final String PREFIX_PATTERN = "[A-Za-z0-9._:-]{0,64}";

    /**
     * The maximum of counters that one page counts. That takes about 20 ms, and each namespace of the page has the same
     * share.
     */
    private static final int COUNTED_MAX = 200_000;

    private final Namespaces namespaces;

    NamespaceRoutes(Namespaces namespaces) {
        this.namespaces = namespaces;
    }

    /** A namespace as JSON. */
    record NamespaceView(
            String namespace,
            @Nullable Long counters,
            @Nullable Instant asOf) {

        static NamespaceView of(String namespace, Size size) {
            return new NamespaceView(namespace, size.counters(), size.asOf());
        }
    }

    @Bean
    Route namespacesRoute() {
        return Routes.resource("/v1/namespaces")
                .on(HttpMethod.GET, Action.READ, this::list, "limit", "cursor", PREFIX)
                .build();
    }

    private Mono<ServerResponse> list(ServerRequest request) {
        String prefix = prefix(request);
        List<String> list = List.of("namespaces", prefix);
        Paging paging = Paging.of(request, list);
        List<NamespaceRange> ranges = NamespaceRange.of(Caller.of(request).grants(), prefix, after(paging.after()));
        return namespaces
                .names(ranges, paging.limit() + 1)
                .map(found -> paging.page(found, list, List::of))
                .flatMap(page -> sized(page, COUNTED_MAX / paging.limit()))
                .flatMap(Routes::list);
    }

    private static String prefix(ServerRequest request) {
        String prefix =
                RequestQuery.values(request, PREFIX).stream().findFirst().orElse("");
        if (!prefix.matches(PREFIX_PATTERN)) {
            throw Bodies.malformed(
                    "'prefix' must have at most 64 characters, which are letters, digits, '.', '_', '-' or ':'.");
        }
        return prefix;
    }

    private static @Nullable String after(@Nullable List<String> place) {
        if (place == null) {
            return null;
        }
        String after = place.getFirst();
        if (!after.matches(PREFIX_PATTERN)) {
            throw Cursor.foreign();
        }
        return after;
    }

    private Mono<Page<NamespaceView>> sized(Page<String> page, int countedMax) {
        return namespaces
                .sizes(page.items(), countedMax)
                .map(sizes -> new Page<>(
                        page.items().stream()
                                .map(name -> NamespaceView.of(name, sizes.getOrDefault(name, Size.UNKNOWN)))
                                .toList(),
                        page.next()));
    }
}
