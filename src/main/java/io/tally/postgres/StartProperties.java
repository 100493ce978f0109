package io.tally.postgres;

import java.time.Duration;
import org.springframework.boot.context.properties.ConfigurationProperties;
import org.springframework.boot.context.properties.bind.DefaultValue;
import org.springframework.util.Assert;

/**
 * How long the start waits. How to choose stands in {@code application.yml}.
 *
 * @param startWaitMax the longest that the start waits for a database that does not answer; 0 for one attempt
 */
@ConfigurationProperties("tally.database")
record StartProperties(@DefaultValue("8m") Duration startWaitMax) {

    private static final Duration WAIT_LIMIT = Duration.ofHours(1);

    /** @throws IllegalArgumentException with the name of the key that is wrong */
    StartProperties {
        Assert.isTrue(
                !startWaitMax.isNegative() && startWaitMax.compareTo(WAIT_LIMIT) <= 0,
                "tally.database.start-wait-max must be between 0 and 1h");
    }
}
