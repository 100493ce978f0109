package io.tally.http;

import java.time.Duration;
import org.springframework.boot.context.properties.ConfigurationProperties;
import org.springframework.boot.context.properties.bind.DefaultValue;

/**
 * Limits of the HTTP server that Spring Boot has no key for.
 *
 * @param requestTimeout the longest a request may take to arrive, from its first byte to its last
 */
@ConfigurationProperties("tally.http")
record HttpProperties(@DefaultValue("10s") Duration requestTimeout) {

    /**
     * Checks each.
     *
     * @throws IllegalArgumentException with the name of the key that is wrong
     */
    HttpProperties {
        if (!requestTimeout.isPositive()) {
            throw new IllegalArgumentException("tally.http.request-timeout is longer than nothing");
        }
    }
}
