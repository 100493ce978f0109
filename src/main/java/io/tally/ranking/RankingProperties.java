package io.tally.ranking;

import java.time.Duration;
import org.springframework.boot.context.properties.ConfigurationProperties;
import org.springframework.boot.context.properties.bind.DefaultValue;
import org.springframework.util.Assert;

/**
 * The settings of the order of counters. {@code application.yml} says how to choose the values.
 *
 * @param interval the minimum time between two passes over a large namespace, 100 ms to 1 h
 * @param smallMax the maximum of counters of a namespace whose pass a request makes itself, 0 to 100,000
 */
@ConfigurationProperties("tally.ranking")
public record RankingProperties(
        @DefaultValue("5s") Duration interval,
        @DefaultValue("10000") int smallMax) {

    private static final Duration INTERVAL_MIN = Duration.ofMillis(100);
    private static final Duration INTERVAL_MAX = Duration.ofHours(1);
    private static final int SMALL_MAX_MAX = 100_000;

    /**
     * Checks each value.
     *
     * @throws IllegalArgumentException with the name of the invalid key
     */
    public RankingProperties {
        Assert.isTrue(
                interval.compareTo(INTERVAL_MIN) >= 0 && interval.compareTo(INTERVAL_MAX) <= 0,
                "tally.ranking.interval must be between 100ms and 1h");
        Assert.isTrue(
                smallMax >= 0 && smallMax <= SMALL_MAX_MAX,
                "tally.ranking.small-max must be between 0 and " + SMALL_MAX_MAX);
    }
}
