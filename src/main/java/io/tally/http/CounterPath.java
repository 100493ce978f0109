package io.tally.http;

import io.tally.counter.CounterId;
import org.springframework.web.reactive.function.server.ServerRequest;

/** Counters in paths: {@code /v1/counters/{namespace}/{name}}. */
public final class CounterPath {

    /** The pattern of all counters of a namespace. */
    public static final String NAMESPACE = "/v1/counters/{namespace}";

    /** The pattern of a counter. */
    public static final String COUNTER = NAMESPACE + "/{name}";

    public static final String INCREMENTS = COUNTER + "/increments";

    private CounterPath() {}

    /**
     * The counter in the path of a request.
     *
     * @throws ProblemException if the path does not name a counter
     */
    public static CounterId counter(ServerRequest request) {
        return Bodies.checked(() -> new CounterId(RequestPath.segment(request, 2), RequestPath.segment(request, 3)));
    }

    static String path(CounterId counter) {
        return "/v1/counters/" + counter.namespace() + "/" + RequestPath.encode(counter.name());
    }
}
