package io.tally.period;

import io.micrometer.core.instrument.Counter;
import io.micrometer.core.instrument.MeterRegistry;
import io.micrometer.core.instrument.Timer;
import io.tally.period.Sweeps.Kind;
import io.tally.telemetry.Meter;
import io.tally.telemetry.MeterFamily;
import java.time.Duration;
import java.util.concurrent.atomic.AtomicLong;

/** The meters of the passes. */
final class SweepMetrics {

    private record KindMeters(Counter counters, Timer chunks, AtomicLong lagNanos) {}

    private final MeterFamily<Kind, KindMeters> kinds;

    SweepMetrics(MeterRegistry registry) {
        kinds = new MeterFamily<>(Kind.class, kind -> meters(registry, kind));
    }

    private static KindMeters meters(MeterRegistry registry, Kind kind) {
        AtomicLong lagNanos = new AtomicLong();
        Meter.SWEEP_LAG.timeGauge(registry, lagNanos::get, kind);
        return new KindMeters(
                Meter.SWEEP_COUNTERS.counter(registry, kind),
                Meter.SWEEP.timer(kind).register(registry),
                lagNanos);
    }

    /** A chunk was swept. */
    void swept(Kind kind, int counters, Duration took) {
        kinds.of(kind).counters().increment(counters);
        kinds.of(kind).chunks().record(took);
    }

    /** The time since which all due counters have been swept. */
    void lag(Kind kind, Duration lag) {
        kinds.of(kind).lagNanos().set(lag.toNanos());
    }
}
