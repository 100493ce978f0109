package io.tally.idempotency;

import java.time.Duration;
import org.springframework.boot.context.properties.ConfigurationProperties;
import org.springframework.boot.context.properties.bind.DefaultValue;
import org.springframework.util.Assert;

/**
 * The retention of idempotency records. {@code application.yml} says how to choose the values.
 *
 * @param retention the time in which a retry is replayed, 1 s to 365 d; records are removed some seconds later
 */
@ConfigurationProperties("tally.idempotency")
public record IdempotencyProperties(@DefaultValue("24h") Duration retention) {

    private static final Duration MIN = Duration.ofSeconds(1);
    private static final Duration MAX = Duration.ofDays(365);

    /**
     * Checks the value.
     *
     * @throws IllegalArgumentException with the name of the invalid key
     */
    public IdempotencyProperties {
        Assert.isTrue(
                retention.compareTo(MIN) >= 0 && retention.compareTo(MAX) <= 0,
                "tally.idempotency.retention must be between 1s and 365d");
    }
}
