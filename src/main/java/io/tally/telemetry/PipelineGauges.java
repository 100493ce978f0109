package io.tally.telemetry;

import io.micrometer.core.instrument.Gauge;
import io.micrometer.core.instrument.MeterRegistry;
import io.micrometer.core.instrument.binder.MeterBinder;
import io.tally.pipeline.CounterPipeline;
import io.tally.pipeline.PipelineProperties;
import org.springframework.stereotype.Component;

/** What waits in the lanes now. */
@Component
record PipelineGauges(CounterPipeline pipeline, PipelineProperties limits) implements MeterBinder {

    @Override
    public void bindTo(MeterRegistry registry) {
        for (int i = 0; i < limits.lanes(); i++) {
            int lane = i;
            Gauge.builder(Meter.LANE_QUEUED.id(), () -> pipeline.queued(lane))
                    .description(Meter.LANE_QUEUED.description())
                    .tags(Meter.LANE_QUEUED.tags(Integer.toString(lane)))
                    .register(registry);
        }
    }
}
