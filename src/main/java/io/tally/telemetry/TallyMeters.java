package io.tally.telemetry;

import static io.tally.counter.Labels.label;

import io.micrometer.core.instrument.Counter;
import io.micrometer.core.instrument.DistributionSummary;
import io.micrometer.core.instrument.MeterRegistry;
import io.micrometer.core.instrument.Timer;
import io.tally.bulk.BulkMetrics;
import io.tally.counter.Operation;
import io.tally.counter.Operation.Amend;
import io.tally.counter.Operation.Create;
import io.tally.counter.Operation.Delete;
import io.tally.counter.Operation.Increment;
import io.tally.counter.Operation.Join;
import io.tally.counter.Operation.Leave;
import io.tally.counter.Operation.Transaction;
import io.tally.counter.OutcomeCategory;
import io.tally.http.FeatureMetrics;
import io.tally.pipeline.LaneMetrics;
import io.tally.pipeline.PipelineProperties;
import io.tally.pipeline.StoreFailure;
import io.tally.ranking.RankingMetrics;
import io.tally.watch.WatchMetrics;
import java.time.Duration;
import java.util.List;
import java.util.stream.IntStream;
import org.springframework.stereotype.Component;

/**
 * The meters of the pipeline, of bulk requests and of the features on Micrometer, all made at the start: what has not
 * happened yet reads 0 and not nothing.
 */
@Component
final class TallyMeters implements LaneMetrics, BulkMetrics, FeatureMetrics, RankingMetrics, WatchMetrics {

    /** The range of the batch time's buckets: a fast disk's commit, and longer than any that is waited for. */
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
            };
        }
    }

    private record PathMeters(DistributionSummary operations, DistributionSummary counters, Timer time) {}

    private record LaneMeters(Each<Path, PathMeters> paths, Timer waits, Counter acknowledged, Counter moved) {}

    private final MeterRegistry registry;
    private final Each<Kind, Each<OutcomeCategory, Counter>> told;
    private final Each<Feature, Each<OutcomeCategory, Counter>> features;
    private final List<LaneMeters> lanes;
    private final Each<StoreFailure.Cause, Counter> retries;
    private final Counter unknown;
    private final Each<Recovery, Counter> recovered;
    private final Each<OutcomeCategory, Counter> lines;
    private final Counter pruned;
    private final Timer passes;
    private final Counter events;

    TallyMeters(MeterRegistry registry, PipelineProperties limits) {
        this.registry = registry;
        told = new Each<>(
                Kind.class,
                kind -> new Each<>(
                        OutcomeCategory.class,
                        category -> Meter.OPERATIONS.counter(registry, label(kind), label(category))));
        features = new Each<>(
                Feature.class,
                feature -> new Each<>(
                        OutcomeCategory.class,
                        category -> Meter.OPERATIONS.counter(registry, label(feature), label(category))));
        lanes = IntStream.range(0, limits.lanes())
                .mapToObj(Integer::toString)
                .map(this::laneMeters)
                .toList();
        retries = new Each<>(StoreFailure.Cause.class, cause -> Meter.RETRIES.counter(registry, cause.label()));
        unknown = Meter.COMMITS_UNKNOWN.counter(registry);
        recovered = new Each<>(Recovery.class, recovery -> Meter.COMMITS_RECOVERED.counter(registry, label(recovery)));
        lines = new Each<>(OutcomeCategory.class, category -> Meter.BULK_LINES.counter(registry, label(category)));
        pruned = Meter.KEYS_PRUNED.counter(registry);
        passes = timer(Meter.RANKING_PASS).register(registry);
        events = Meter.WATCH_EVENTS.counter(registry);
    }

    private LaneMeters laneMeters(String lane) {
        return new LaneMeters(
                new Each<>(Path.class, path -> pathMeters(lane, label(path))),
                timer(Meter.LANE_WAIT, lane).register(registry),
                Meter.ACKNOWLEDGED_OPERATIONS.counter(registry, lane),
                Meter.ACKNOWLEDGED_DELTA.counter(registry, lane));
    }

    private PathMeters pathMeters(String lane, String path) {
        return new PathMeters(
                summary(Meter.BATCH_OPERATIONS, lane, path),
                summary(Meter.BATCH_COUNTERS, lane, path),
                timer(Meter.BATCH, lane, path)
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
        told.of(Kind.of(operation)).of(category).increment((double) count);
    }

    @Override
    public void recordOutcome(Feature feature, OutcomeCategory category, long count) {
        features.of(feature).of(category).increment((double) count);
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

    @Override
    public void passed(Duration took) {
        passes.record(took);
    }

    @Override
    public void events(long count) {
        events.increment((double) count);
    }

    @Override
    public void lines(OutcomeCategory category, long count) {
        lines.of(category).increment((double) count);
    }

    private Timer.Builder timer(Meter meter, String... labels) {
        return Timer.builder(meter.id()).description(meter.description()).tags(meter.tags(labels));
    }

    private DistributionSummary summary(Meter meter, String... labels) {
        return DistributionSummary.builder(meter.id())
                .description(meter.description())
                .tags(meter.tags(labels))
                .register(registry);
    }
}
