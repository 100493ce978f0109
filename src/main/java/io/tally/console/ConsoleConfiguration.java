package io.tally.console;

import io.tally.access.AccessMode;
import io.tally.http.SessionCookies;
import org.springframework.boot.context.properties.EnableConfigurationProperties;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Configuration;

/** The settings of the console. Always active, since the gate must know whether cookies count. */
@Configuration(proxyBeanMethods = false)
@EnableConfigurationProperties(ConsoleProperties.class)
class ConsoleConfiguration {

    @Bean
    SessionCookies sessionCookies(ConsoleProperties properties, AccessMode mode) {
        return new SessionCookies(properties.enabled() && mode.isClosed());
    }
}
