package io.tally.lab;

import java.time.Duration;
import org.springframework.boot.context.properties.ConfigurationProperties;
import org.springframework.boot.context.properties.bind.DefaultValue;
import org.springframework.util.Assert;

/**
 * The limits of a run of the lab. {@code application.yml} says how to choose the values.
 *
 * @param workersMax the maximum of workers, each with a connection
 * @param incrementsMax the maximum of increments
 * @param countersMax the maximum of counters
 * @param runMax the maximum duration of a run, which then ends with the result so far
 */
@ConfigurationProperties("tally.lab")
public record LabProperties(
        @DefaultValue("64") int workersMax,
        @DefaultValue("1000000") long incrementsMax,
        @DefaultValue("10000") int countersMax,
        @DefaultValue("1m") Duration runMax) {

    /**
     * Checks each value.
     *
     * @throws IllegalArgumentException with the name of the invalid key
     */
    public LabProperties {
        Assert.isTrue(workersMax >= 1 && workersMax <= 256, "tally.lab.workers-max must be between 1 and 256");
        Assert.isTrue(
                incrementsMax >= 1 && incrementsMax <= 100_000_000,
                "tally.lab.increments-max must be between 1 and 100000000");
        // One statement creates them, and it has a time-out.
        Assert.isTrue(
                countersMax >= 1 && countersMax <= 100_000, "tally.lab.counters-max must be between 1 and 100000");
        Assert.isTrue(
                runMax.isPositive() && runMax.compareTo(Duration.ofHours(1)) <= 0,
                "tally.lab.run-max must be positive and at most 1h");
    }
}
