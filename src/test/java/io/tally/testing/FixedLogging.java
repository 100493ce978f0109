package io.tally.testing;

import org.jspecify.annotations.Nullable;
import org.springframework.boot.logging.LogLevel;
import org.springframework.boot.logging.LoggingSystem;

/**
 * Leaves logging as it is. Otherwise each start of an instance would set it up anew, and lose what other instances in
 * the same JVM log meanwhile. The system property {@code org.springframework.boot.logging.LoggingSystem} names it.
 */
public final class FixedLogging extends LoggingSystem {

    /** As Spring Boot makes it. */
    public FixedLogging(ClassLoader classLoader) {}

    @Override
    public void beforeInitialize() {
        // Logback has read its configuration already.
    }

    @Override
    public void setLogLevel(@Nullable String logger, @Nullable LogLevel level) {
        // The configuration of the tests has all levels.
    }
}
