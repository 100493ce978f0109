package io.tally.postgres;

import java.time.Duration;
import org.springframework.boot.context.properties.ConfigurationProperties;
import org.springframework.boot.context.properties.bind.DefaultValue;
import org.springframework.util.Assert;

/**
 * The time-out of the start. {@code application.yml} says how to choose the value.
 *
 * @param startWaitMax how long the start waits for a database that is not ready, 0 to 1 h; 0 means one attempt
 */
@ConfigurationProperties("tally.database")
record StartProperties(@DefaultValue("8m") Duration startWaitMax) {

    private static final Duration WAIT_LIMIT = Duration.ofHours(1);

    /**
     * Checks the value.
     *
     * @throws IllegalArgumentException with the name of the invalid key
     */
    StartProperties {
        Assert.isTrue(
                !startWaitMax.isNegative() && startWaitMax.compareTo(WAIT_LIMIT) <= 0,
                "tally.database.start-wait-max must be between 0 and 1h");
    }
}
