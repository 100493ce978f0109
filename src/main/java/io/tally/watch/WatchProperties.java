package io.tally.watch;

import java.time.Duration;
import org.springframework.boot.context.properties.ConfigurationProperties;
import org.springframework.boot.context.properties.bind.DefaultValue;
import org.springframework.util.Assert;

/**
 * Limits of live streams. {@code application.yml} says how to choose the values.
 *
 * @param interval from the end of one poll to the beginning of the next, 10 ms to 1 min
 * @param heartbeat between two heartbeats, 100 ms to 10 min
 * @param streamsMax the maximum of streams of this instance, 1 to 1,000,000
 */
@ConfigurationProperties("tally.watch")
record WatchProperties(
        @DefaultValue("250ms") Duration interval,
        @DefaultValue("15s") Duration heartbeat,
        @DefaultValue("20000") int streamsMax) {

    private static final Duration INTERVAL_MIN = Duration.ofMillis(10);
    private static final Duration INTERVAL_MAX = Duration.ofMinutes(1);
    private static final Duration HEARTBEAT_MIN = Duration.ofMillis(100);
    private static final Duration HEARTBEAT_MAX = Duration.ofMinutes(10);
    private static final int STREAMS_LIMIT = 1_000_000;

    /**
     * Checks each value.
     *
     * @throws IllegalArgumentException with the name of the invalid key
     */
    WatchProperties {
        Assert.isTrue(
                isBetween(interval, INTERVAL_MIN, INTERVAL_MAX), "tally.watch.interval must be between 10ms and 1m");
        Assert.isTrue(
                isBetween(heartbeat, HEARTBEAT_MIN, HEARTBEAT_MAX),
                "tally.watch.heartbeat must be between 100ms and 10m");
        Assert.isTrue(
                streamsMax >= 1 && streamsMax <= STREAMS_LIMIT,
                "tally.watch.streams-max must be between 1 and " + STREAMS_LIMIT);
    }

    private static boolean isBetween(Duration duration, Duration min, Duration max) {
        return duration.compareTo(min) >= 0 && duration.compareTo(max) <= 0;
    }
}
