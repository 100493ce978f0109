package io.tally.telemetry;

import io.micrometer.core.instrument.Counter;
import io.micrometer.core.instrument.DistributionSummary;
import io.micrometer.core.instrument.MeterRegistry;
import io.micrometer.core.instrument.Timer;
import io.tally.counter.Operation;
import io.tally.counter.Operation.Amend;
import io.tally.counter.Operation.Create;
import io.tally.counter.Operation.Delete;
import io.tally.counter.Operation.Increment;
import io.tally.counter.Operation.Join;
import io.tally.counter.Operation.Leave;
import io.tally.counter.Operation.Sweep;
import io.tally.counter.Operation.Transaction;
import io.tally.counter.OutcomeCategory;
import io.tally.pipeline.LaneMetrics;
import io.tally.pipeline.PipelineProperties;
import io.tally.pipeline.StoreFailure;
import io.tally.shard.Sharding;
import java.time.Duration;
import java.util.List;
import java.util.stream.IntStream;
import org.springframework.stereotype.Component;

/**
 * The meters of the pipeline, all registered at the start, so that they read 0 before the first event.
 */
@Component
final class PipelineMeters implements LaneMetrics {

    /** The range of the buckets for batch times: from the commit of a fast disk to more than any time-out. */
    private static final Duration BATCH_MIN = Duration.ofNanos(250_000);

    private static final Duration BATCH_MAX = Duration.ofSeconds(10);

    private enum Kind {
        INCREMENT,
        CREATE,
        AMEND,
        DELETE,
        JOIN,
        LEAVE,
        TRANSACTION;

        static Kind of(Operation operation) {
            return switch (operation) {
                case Increment increment -> INCREMENT;
                case Create create -> CREATE;
                case Amend amend -> AMEND;
                case Delete delete -> DELETE;
                case Join join -> JOIN;
                case Leave leave -> LEAVE;
                case Transaction transaction -> TRANSACTION;
                case Sweep sweep -> throw new IllegalArgumentException("no operation of a caller: " + sweep);
            };
        }
    }

    private record PathMeters(DistributionSummary operations, DistributionSummary counters, Timer time) {}

    private record LaneMeters(MeterFamily<Path, PathMeters> paths, Timer waits, Counter acknowledged, Counter moved) {}

    private final MeterFamily<Kind, MeterFamily<OutcomeCategory, Counter>> operations;
    private final List<LaneMeters> lanes;
    private final MeterFamily<StoreFailure.Cause, Counter> retries;
    private final Counter unknown;
    private final MeterFamily<Recovery, Counter> recovered;
    private final Counter pruned;

    PipelineMeters(MeterRegistry registry, PipelineProperties limits, Sharding sharding) {
        operations =
                new MeterFamily<>(Kind.class, kind -> Meter.OPERATIONS.counters(registry, OutcomeCategory.class, kind));
        lanes = IntStream.range(0, sharding.count() * limits.lanes(sharding.count()))
                .mapToObj(lane -> laneMeters(registry, lane))
                .toList();
        retries = new MeterFamily<>(StoreFailure.Cause.class, cause -> Meter.RETRIES.counter(registry, cause.label()));
        unknown = Meter.COMMITS_UNKNOWN.counter(registry);
        recovered = Meter.COMMITS_RECOVERED.counters(registry, Recovery.class);
        pruned = Meter.KEYS_PRUNED.counter(registry);
    }

    private static LaneMeters laneMeters(MeterRegistry registry, int lane) {
        return new LaneMeters(
                new MeterFamily<>(Path.class, path -> pathMeters(registry, lane, path)),
                Meter.LANE_WAIT.timer(lane).register(registry),
                Meter.ACKNOWLEDGED_OPERATIONS.counter(registry, lane),
                Meter.ACKNOWLEDGED_DELTA.counter(registry, lane));
    }

    private static PathMeters pathMeters(MeterRegistry registry, int lane, Path path) {
        return new PathMeters(
                Meter.BATCH_OPERATIONS.summary(registry, lane, path),
                Meter.BATCH_COUNTERS.summary(registry, lane, path),
                Meter.BATCH
                        .timer(lane, path)
                        .publishPercentileHistogram()
                        .minimumExpectedValue(BATCH_MIN)
                        .maximumExpectedValue(BATCH_MAX)
                        .register(registry));
    }

    @Override
    public void waited(int lane, long nanos) {
        lanes.get(lane).waits().record(Duration.ofNanos(nanos));
    }

    @Override
    public void written(int lane, Path path, int operations, int counters, long nanos) {
        PathMeters meters = lanes.get(lane).paths().of(path);
        meters.operations().record(operations);
        meters.counters().record(counters);
        meters.time().record(Duration.ofNanos(nanos));
    }

    @Override
    public void acknowledged(int lane, long operations, double magnitude) {
        lanes.get(lane).acknowledged().increment((double) operations);
        lanes.get(lane).moved().increment(magnitude);
    }

    @Override
    public void recordOutcome(Operation operation, OutcomeCategory category, long count) {
        operations.of(Kind.of(operation)).of(category).increment((double) count);
    }

    @Override
    public void retried(StoreFailure.Cause cause) {
        retries.of(cause).increment();
    }

    @Override
    public void commitUnknown() {
        unknown.increment();
    }

    @Override
    public void recovered(Recovery recovery) {
        recovered.of(recovery).increment();
    }

    @Override
    public void pruned(long keys) {
        pruned.increment((double) keys);
    }
}
