package io.tally.lab;

import java.time.Duration;
import org.springframework.boot.context.properties.ConfigurationProperties;
import org.springframework.boot.context.properties.bind.DefaultValue;

/**
 * How much one run of the lab may take of the database. How to choose stands in {@code application.yml}.
 *
 * @param workersMax the most workers, each with a connection
 * @param incrementsMax the most increments
 * @param countersMax the most counters
 * @param runMax the longest a run counts; its result is what it has counted by then
 */
@ConfigurationProperties("tally.lab")
public record LabProperties(
        @DefaultValue("64") int workersMax,
        @DefaultValue("1000000") long incrementsMax,
        @DefaultValue("10000") int countersMax,
        @DefaultValue("1m") Duration runMax) {

    /**
     * Checks each.
     *
     * @throws IllegalArgumentException with the name of the key that is wrong
     */
    public LabProperties {
        require(workersMax >= 1 && workersMax <= 256, "tally.lab.workers-max is 1 to 256");
        require(incrementsMax >= 1 && incrementsMax <= 100_000_000, "tally.lab.increments-max is 1 to 100000000");
        // One statement inserts them, and it has a time-out.
        require(countersMax >= 1 && countersMax <= 100_000, "tally.lab.counters-max is 1 to 100000");
        require(runMax.isPositive(), "tally.lab.run-max is longer than nothing");
        require(runMax.compareTo(Duration.ofHours(1)) <= 0, "tally.lab.run-max is an hour at most");
    }

    private static void require(boolean holds, String message) {
        if (!holds) {
            throw new IllegalArgumentException(message);
        }
    }
}
