package io.tally.telemetry;

import io.micrometer.core.instrument.Gauge;
import io.micrometer.core.instrument.MeterRegistry;
import io.micrometer.core.instrument.binder.MeterBinder;
import io.tally.pipeline.CounterPipeline;
import io.tally.pipeline.PipelineProperties;
import java.util.function.Supplier;
import org.springframework.stereotype.Component;

/** What waits in the lanes now, how much may, and whether they can write. */
@Component
record PipelineGauges(CounterPipeline pipeline, PipelineProperties limits) implements MeterBinder {

    @Override
    public void bindTo(MeterRegistry registry) {
        for (int i = 0; i < limits.lanes(); i++) {
            int lane = i;
            gauge(registry, Meter.LANE_QUEUED, lane, () -> pipeline.queued(lane));
            gauge(registry, Meter.LANE_QUEUE_LIMIT, lane, limits::queueOperationsMax);
            gauge(registry, Meter.LANE_AVAILABLE, lane, () -> pipeline.isAvailable(lane) ? 1 : 0);
        }
    }

    private static void gauge(MeterRegistry registry, Meter meter, int lane, Supplier<Number> value) {
        Gauge.builder(meter.id(), value)
                .description(meter.description())
                .tags(meter.tags(Integer.toString(lane)))
                .register(registry);
    }
}
