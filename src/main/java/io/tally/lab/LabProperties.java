package io.tally.lab;

import java.time.Duration;
import org.springframework.boot.context.properties.ConfigurationProperties;
import org.springframework.boot.context.properties.bind.DefaultValue;
import org.springframework.util.Assert;

/**
 * How much one run of the lab may take of the database. {@code application.yml} says how to choose the values.
 *
 * @param workersMax the most workers, each with a connection
 * @param incrementsMax the most increments
 * @param countersMax the most counters
 * @param runMax the longest a run goes on counting; what it has by then is its result
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
