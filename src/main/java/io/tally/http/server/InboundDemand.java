package io.tally.http.server;

import reactor.core.publisher.Flux;

/** The demand of those who read a request's body. */
final class InboundDemand {

    private InboundDemand() {}

    /**
     * The same body, requested with a bound that no body reaches. Where the demand is unbounded, Reactor Netty passes
     * an error on twice: when it comes, and when the response is complete. The second is dropped, which Reactor logs as
     * an error.
     */
    static <T> Flux<T> bounded(Flux<T> body) {
        return body.take(Long.MAX_VALUE - 1);
    }
}
