package io.tally.telemetry;

import io.tally.pipeline.CounterPipeline;
import java.util.List;
import org.springframework.boot.health.contributor.Health;
import org.springframework.boot.health.contributor.HealthIndicator;
import org.springframework.stereotype.Component;

/**
 * Down while a lane cannot write. Belongs to neither probe: an instance without a database still responds, with 503.
 */
@Component("storeHealthIndicator")
record StoreHealth(CounterPipeline pipeline) implements HealthIndicator {

    @Override
    public Health health() {
        List<String> unavailableReasons = pipeline.unavailableReasons();
        return unavailableReasons.isEmpty()
                ? Health.up().build()
                : Health.down().withDetail("lanes", unavailableReasons).build();
    }
}
