package io.tally.period;

import io.micrometer.core.instrument.Counter;
import io.micrometer.core.instrument.MeterRegistry;
import io.micrometer.core.instrument.Timer;
import io.tally.period.Sweeps.Kind;
import io.tally.shard.Sharding;
import io.tally.telemetry.Meter;
import io.tally.telemetry.MeterFamily;
import java.time.Duration;
import java.util.concurrent.atomic.AtomicLongArray;
import java.util.stream.IntStream;

/** The meters of the passes. */
final class SweepMetrics {

    private record KindMeters(Counter counters, Timer chunks, AtomicLongArray lagNanos) {}

    private final MeterFamily<Kind, KindMeters> kinds;

    SweepMetrics(MeterRegistry registry, Sharding sharding) {
        kinds = new MeterFamily<>(Kind.class, kind -> meters(registry, kind, sharding.count()));
    }

    private static KindMeters meters(MeterRegistry registry, Kind kind, int shards) {
        AtomicLongArray lagNanos = new AtomicLongArray(shards);
        Meter.SWEEP_LAG.timeGauge(registry, () -> longest(lagNanos), kind);
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

    private static long longest(AtomicLongArray lagNanos) {
        return IntStream.range(0, lagNanos.length())
                .mapToLong(lagNanos::get)
                .max()
                .orElseThrow();
    }

    /** The time since which all due counters of a shard have been swept. */
    void lag(Kind kind, int shard, Duration lag) {
        kinds.of(kind).lagNanos().set(shard, lag.toNanos());
    }
}
