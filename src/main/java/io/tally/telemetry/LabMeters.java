package io.tally.telemetry;

import io.micrometer.core.instrument.Counter;
import io.micrometer.core.instrument.MeterRegistry;
import io.tally.lab.ConditionalOnLab;
import io.tally.lab.Experiment;
import io.tally.lab.Isolation;
import io.tally.lab.LabMetrics;
import io.tally.lab.LabRun.Result;
import io.tally.lab.Strategy;
import org.springframework.stereotype.Component;

/** The meters of the lab, all made at the start: the first loss is a step from 0. */
@Component
@ConditionalOnLab
final class LabMeters implements LabMetrics {

    private record Meters(Counter operations, Counter lost, Counter duplicates, Counter errors, Counter retries) {}

    private final Each<Strategy, Each<Isolation, Meters>> meters;

    LabMeters(MeterRegistry registry) {
        meters = new Each<>(
                Strategy.class,
                strategy -> new Each<>(
                        Isolation.class, isolation -> meters(registry, strategy.label(), isolation.label())));
    }

    private static Meters meters(MeterRegistry registry, String... labels) {
        return new Meters(
                Meter.LAB_OPERATIONS.counter(registry, labels),
                Meter.LAB_LOST_UPDATES.counter(registry, labels),
                Meter.LAB_DUPLICATE_ROWS.counter(registry, labels),
                Meter.LAB_ERRORS.counter(registry, labels),
                Meter.LAB_RETRIES.counter(registry, labels));
    }

    @Override
    public void measured(Experiment experiment, Result result) {
        Meters told = meters.of(experiment.strategy()).of(experiment.isolation());
        told.operations().increment((double) result.acknowledged());
        // A Prometheus counter cannot fall: what is there and nobody was told of is in the result only.
        told.lost().increment((double) Math.max(result.lost(), 0));
        told.duplicates().increment((double) result.duplicateRows());
        told.errors().increment((double) result.errors());
        told.retries().increment((double) result.retries());
    }
}
