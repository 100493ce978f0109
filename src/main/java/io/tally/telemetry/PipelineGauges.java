package io.tally.telemetry;

import io.micrometer.core.instrument.Gauge;
import io.micrometer.core.instrument.MeterRegistry;
import io.micrometer.core.instrument.TimeGauge;
import io.micrometer.core.instrument.binder.MeterBinder;
import io.tally.lane.LaneOwner;
import io.tally.pipeline.CounterPipeline;
import io.tally.pipeline.PipelineProperties;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.function.Supplier;
import org.springframework.stereotype.Component;

/** What waits in the lanes now, how much may, whether they can write, and how long the batch in flight has been so. */
@Component
record PipelineGauges(CounterPipeline pipeline, PipelineProperties limits, List<LaneOwner> others)
        implements MeterBinder {

    private static final String READS = "reads";

    @Override
    public void bindTo(MeterRegistry registry) {
        for (int i = 0; i < limits.lanes(); i++) {
            int lane = i;
            String label = Integer.toString(lane);
            gauge(registry, Meter.LANE_QUEUED, label, () -> pipeline.queued(lane));
            gauge(registry, Meter.LANE_QUEUE_LIMIT, label, limits::queueOperationsMax);
            gauge(registry, Meter.LANE_AVAILABLE, label, () -> pipeline.isAvailable(lane) ? 1 : 0);
            batchAge(registry, label, () -> pipeline.batchAge(lane));
        }
        batchAge(registry, READS, pipeline::readsAge);
        others.forEach(other -> batchAge(registry, other.laneName(), other::batchAge));
    }

    private static void gauge(MeterRegistry registry, Meter meter, String lane, Supplier<Number> value) {
        Gauge.builder(meter.id(), value)
                .description(meter.description())
                .tags(meter.tags(lane))
                .register(registry);
    }

    private static void batchAge(MeterRegistry registry, String lane, Supplier<Duration> age) {
        Meter meter = Meter.LANE_BATCH_AGE;
        TimeGauge.builder(meter.id(), () -> age.get().toNanos(), TimeUnit.NANOSECONDS)
                .description(meter.description())
                .tags(meter.tags(lane))
                .register(registry);
    }
}
