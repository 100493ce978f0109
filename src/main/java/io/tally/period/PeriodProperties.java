package io.tally.period;

import java.time.Duration;
import org.springframework.boot.context.properties.ConfigurationProperties;
import org.springframework.boot.context.properties.bind.DefaultValue;
import org.springframework.util.Assert;

/**
 * The retention of ended periods. {@code application.yml} says how to choose the value.
 *
 * @param retention from the end of the period, 1 s to 3,650 d; removed some seconds later
 */
@ConfigurationProperties("tally.period")
record PeriodProperties(@DefaultValue("400d") Duration retention) {

    private static final Duration MIN = Duration.ofSeconds(1);
    private static final Duration MAX = Duration.ofDays(3_650);

    /**
     * Checks the value.
     *
     * @throws IllegalArgumentException with the name of the invalid key
     */
    PeriodProperties {
        Assert.isTrue(
                retention.compareTo(MIN) >= 0 && retention.compareTo(MAX) <= 0,
                "tally.period.retention must be between 1s and 3650d");
    }
}
