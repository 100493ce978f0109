package io.tally.lab;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import java.time.Duration;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** The ends of the lab's limits. */
class LabPropertiesTest {

    @Test
    void takesTheLeastAndTheMost() {
        assertThat(new LabProperties(1, 1, 1, Duration.ofMillis(1)).workersMax())
                .isEqualTo(1);
        assertThat(new LabProperties(256, 100_000_000, 100_000, Duration.ofHours(1)).workersMax())
                .isEqualTo(256);
    }

    @ParameterizedTest
    @CsvSource({
        "0, 1, 1, PT1S, workers-max",
        "257, 1, 1, PT1S, workers-max",
        "1, 0, 1, PT1S, increments-max",
        "1, 100000001, 1, PT1S, increments-max",
        "1, 1, 0, PT1S, counters-max",
        "1, 1, 100001, PT1S, counters-max",
        "1, 1, 1, PT0S, run-max",
        "1, 1, 1, PT-1S, run-max",
        "1, 1, 1, PT1H0.001S, run-max"
    })
    void namesWhatIsBeyond(int workers, long increments, int counters, Duration run, String key) {
        assertThatIllegalArgumentException()
                .isThrownBy(() -> new LabProperties(workers, increments, counters, run))
                .withMessageContaining("tally.lab." + key);
    }
}
