package io.tally.lab;

import static org.assertj.core.api.Assertions.assertThat;

import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import io.tally.lab.LabRun.Result;
import org.junit.jupiter.api.Test;

/** What the meters make of a result. */
class LabMetricsTest {

    private final SimpleMeterRegistry registry = new SimpleMeterRegistry();
    private final LabMetrics metrics = new LabMetrics(registry);

    private void measured(long acknowledged, long stored) {
        metrics.measured(
                new Experiment(Strategy.ATOMIC, Isolation.SERIALIZABLE, 1, 10, 1),
                new Result(acknowledged, stored, 0, 0, 0, 1, null, null, false));
    }

    private double lost() {
        return registry.get("tally.lab.lost.updates")
                .tags("strategy", "atomic", "isolation", "serializable")
                .counter()
                .count();
    }

    /** A loss that was counted is not undone by a surplus elsewhere. */
    @Test
    void aSurplusIsNoLoss() {
        measured(10, 7);
        assertThat(lost()).isEqualTo(3);
        measured(10, 12);
        assertThat(lost()).isEqualTo(3);
    }

    @Test
    void allAreThereFromTheStart() {
        assertThat(registry.find("tally.lab.lost.updates").counters())
                .hasSize(Strategy.values().length * Isolation.values().length);
    }
}
