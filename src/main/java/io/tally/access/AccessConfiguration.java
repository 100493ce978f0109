package io.tally.access;

import io.tally.http.AccessControl;
import io.tally.http.AccessControl.Granted;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Configuration;

/** The access control of the configured mode. */
@Configuration(proxyBeanMethods = false)
class AccessConfiguration {

    @Bean
    AccessControl accessControl() {
        return authorization -> Granted.ANONYMOUS;
    }
}
