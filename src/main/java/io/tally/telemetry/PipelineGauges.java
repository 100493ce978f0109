package io.tally.telemetry;

import io.micrometer.core.instrument.MeterRegistry;
import io.micrometer.core.instrument.binder.MeterBinder;
import io.tally.lane.Lane;
import io.tally.lane.LaneOwner;
import io.tally.pipeline.CounterPipeline;
import io.tally.pipeline.PipelineProperties;
import java.time.Duration;
import java.util.List;
import java.util.function.Supplier;
import org.springframework.stereotype.Component;

/** The queues of the lanes and their limits, whether the lanes can write, and the age of the batch in flight. */
@Component
record PipelineGauges(CounterPipeline pipeline, PipelineProperties limits, List<LaneOwner> owners)
        implements MeterBinder {

    @Override
    public void bindTo(MeterRegistry registry) {
        for (int i = 0; i < pipeline.writeLanes(); i++) {
            int lane = i;
            Meter.LANE_QUEUED.gauge(registry, () -> pipeline.queued(lane), lane);
            Meter.LANE_QUEUE_LIMIT.gauge(registry, limits::queueOperationsMax, lane);
            Meter.LANE_AVAILABLE.gauge(registry, () -> pipeline.isAvailable(lane) ? 1 : 0, lane);
            batchAge(registry, lane, () -> pipeline.batchAge(lane));
        }
        pipeline.readLanes().forEach(lane -> batchAge(registry, lane));
        owners.stream()
                .filter(owner -> owner != pipeline)
                .flatMap(owner -> owner.lanes().stream())
                .forEach(lane -> batchAge(registry, lane));
    }

    private static void batchAge(MeterRegistry registry, Lane<?, ?> lane) {
        batchAge(registry, lane.name(), lane::batchAge);
    }

    private static void batchAge(MeterRegistry registry, Object lane, Supplier<Duration> age) {
        Meter.LANE_BATCH_AGE.timeGauge(registry, () -> age.get().toNanos(), lane);
    }
}
