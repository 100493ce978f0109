package io.tally.telemetry;

import static io.tally.counter.Labels.label;

import io.micrometer.core.instrument.Counter;
import io.micrometer.core.instrument.MeterRegistry;
import io.micrometer.core.instrument.Timer;
import io.micrometer.core.instrument.binder.http.Outcome;
import io.tally.http.server.RequestMetrics;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.TimeUnit;
import org.springframework.stereotype.Component;

/**
 * Requests that did not arrive, and those that pass by the dispatcher, in the same meter as those that do not: {@code http_server_requests_seconds}.
 */
@Component
final class DirectRequests implements RequestMetrics {

    private record Series(String method, String pattern, int status) {}

    private final MeterRegistry registry;
    private final Map<Series, Timer> timers = new ConcurrentHashMap<>();
    private final Each<Abort, Counter> aborted;

    DirectRequests(MeterRegistry registry) {
        this.registry = registry;
        this.aborted = new Each<>(Abort.class, reason -> Meter.HTTP_ABORTED.counter(registry, label(reason)));
    }

    @Override
    public void aborted(Abort reason) {
        aborted.of(reason).increment();
    }

    @Override
    public void answered(String method, String pattern, int status, long nanos) {
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
