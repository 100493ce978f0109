package io.tally.http.server;

import io.micrometer.core.instrument.Counter;
import io.micrometer.core.instrument.MeterRegistry;
import io.micrometer.core.instrument.Timer;
import io.micrometer.core.instrument.binder.http.Outcome;
import io.tally.telemetry.Meter;
import io.tally.telemetry.MeterFamily;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.TimeUnit;
import org.springframework.stereotype.Component;

/**
 * Counts requests that break off, and times those that pass by Spring's dispatcher, in the meter in which the
 * dispatcher times all others: {@code http_server_requests_seconds}. Safe for use by many threads.
 */
@Component
final class RequestMetrics {

    /** Why the rest of a request did not arrive. */
    enum Abort {
        TIMEOUT,
        DISCONNECT,
        INVALID_CHUNK
    }

    private record Series(String method, String pattern, int status) {}

    private final MeterRegistry registry;
    private final Map<Series, Timer> timers = new ConcurrentHashMap<>();
    private final MeterFamily<Abort, Counter> aborted;

    RequestMetrics(MeterRegistry registry) {
        this.registry = registry;
        this.aborted = Meter.HTTP_ABORTED.counters(registry, Abort.class);
    }

    /** Counts a request of which the rest did not arrive. */
    void aborted(Abort reason) {
        aborted.of(reason).increment();
    }

    /**
     * Records a response. A request whose client has gone before that is in no series.
     *
     * @param method of the request
     * @param pattern of its path
     * @param status of the response
     * @param nanos since the request arrived
     */
    void answered(String method, String pattern, int status, long nanos) {
        timers.computeIfAbsent(new Series(method, pattern, status), this::timer).record(nanos, TimeUnit.NANOSECONDS);
    }

    private Timer timer(Series series) {
        return Timer.builder("http.server.requests")
                .tags(
                        "method", series.method(),
                        "uri", series.pattern(),
                        "status", Integer.toString(series.status()),
                        "outcome", Outcome.forStatus(series.status()).name(),
                        "exception", "none",
                        "error", "none")
                .register(registry);
    }
}
