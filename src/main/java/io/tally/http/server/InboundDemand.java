package io.tally.http.server;

import reactor.core.publisher.Flux;

/** Limits the demand for the body of a request. */
final class InboundDemand {

    private InboundDemand() {}

    /**
     * The same body, requested with a bound that no body reaches. With unbounded demand, Reactor Netty signals an error
     * twice: at once, and when the response is complete. Reactor drops the second and logs it as an error.
     */
    static <T> Flux<T> bounded(Flux<T> body) {
        return body.take(Long.MAX_VALUE - 1);
    }
}
