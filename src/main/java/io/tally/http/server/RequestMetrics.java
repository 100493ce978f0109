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
 * Counts aborted requests, and times the requests that bypass Spring's dispatcher. Uses the same meter as the
 * dispatcher: {@code http_server_requests_seconds}. Safe for use by many threads.
 */
@Component
final class RequestMetrics {

    /** The reason why the client did not send the rest of a request. */
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

    /** Counts an incomplete request. */
    void aborted(Abort reason) {
        aborted.of(reason).increment();
    }

    /**
     * Records a response. A request whose client disconnected before it is not recorded.
     *
     * @param method the method of the request
     * @param pattern the pattern of its path
     * @param status the status of the response
     * @param nanos the time since the request arrived
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
