package io.tally.token;

import java.time.Duration;
import org.springframework.boot.context.properties.ConfigurationProperties;
import org.springframework.boot.context.properties.bind.DefaultValue;
import org.springframework.util.Assert;

/**
 * The retention of executed and expired tokens. {@code application.yml} says how to choose the values.
 *
 * @param retention from execution or expiry, 1 s to 365 d; removed some seconds later
 */
@ConfigurationProperties("tally.token")
record TokenProperties(@DefaultValue("24h") Duration retention) {

    private static final Duration MIN = Duration.ofSeconds(1);
    private static final Duration MAX = Duration.ofDays(365);

    /**
     * Checks the value.
     *
     * @throws IllegalArgumentException with the name of the invalid key
     */
    TokenProperties {
        Assert.isTrue(
                retention.compareTo(MIN) >= 0 && retention.compareTo(MAX) <= 0,
                "tally.token.retention must be between 1s and 365d");
    }
}
