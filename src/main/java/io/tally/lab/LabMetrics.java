package io.tally.lab;

import io.micrometer.core.instrument.MeterRegistry;
import io.tally.lab.LabRun.Result;
import io.tally.telemetry.Meter;
import java.util.List;

/** The meters of the lab. */
final class LabMetrics {

    private static final List<Meter> METERS = List.of(
            Meter.LAB_OPERATIONS,
            Meter.LAB_LOST_UPDATES,
            Meter.LAB_DUPLICATE_ROWS,
            Meter.LAB_ERRORS,
            Meter.LAB_RETRIES);

    private final MeterRegistry registry;

    /** Registers all meters, so that the first loss is a step from 0. */
    LabMetrics(MeterRegistry registry) {
        this.registry = registry;
        for (Meter meter : METERS) {
            for (Strategy strategy : Strategy.values()) {
                meter.counters(registry, Isolation.class, strategy);
            }
        }
    }

    /** Adds the result of a run that this instance finished. */
    void measured(Experiment experiment, Result result) {
        add(Meter.LAB_OPERATIONS, experiment, result.acknowledged());
        // A Prometheus counter cannot fall: only the result shows increments that are stored but not acknowledged.
        add(Meter.LAB_LOST_UPDATES, experiment, Math.max(result.lost(), 0));
        add(Meter.LAB_DUPLICATE_ROWS, experiment, result.duplicateRows());
        add(Meter.LAB_ERRORS, experiment, result.errors());
        add(Meter.LAB_RETRIES, experiment, result.retries());
    }

    private void add(Meter meter, Experiment experiment, long count) {
        meter.counter(registry, experiment.strategy(), experiment.isolation()).increment((double) count);
    }
}
