package io.tally.audit;

import java.time.Duration;
import org.springframework.boot.context.properties.ConfigurationProperties;
import org.springframework.boot.context.properties.bind.DefaultValue;
import org.springframework.util.Assert;

/**
 * The schedule of audits. {@code application.yml} says how to choose the values.
 *
 * @param interval from the beginning of one audit to the beginning of the next, at least twice the duration of an audit
 * @param timeout the time-out of an audit
 */
@ConfigurationProperties("tally.audit")
public record AuditProperties(
        @DefaultValue("1m") Duration interval,
        @DefaultValue("1m") Duration timeout) {

    /**
     * Checks each value.
     *
     * @throws IllegalArgumentException with the name of the invalid key
     */
    public AuditProperties {
        Assert.isTrue(interval.isPositive(), "tally.audit.interval must be positive");
        Assert.isTrue(timeout.isPositive(), "tally.audit.timeout must be positive");
    }
}
