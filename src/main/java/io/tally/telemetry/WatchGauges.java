package io.tally.telemetry;

import io.micrometer.core.instrument.Gauge;
import io.micrometer.core.instrument.MeterRegistry;
import io.micrometer.core.instrument.binder.MeterBinder;
import io.tally.watch.Watches;
import org.springframework.stereotype.Component;

/** The live streams that are open now. */
@Component
record WatchGauges(Watches watches) implements MeterBinder {

    @Override
    public void bindTo(MeterRegistry registry) {
        Gauge.builder(Meter.WATCH_STREAMS.id(), watches::streams)
                .description(Meter.WATCH_STREAMS.description())
                .register(registry);
    }
}
