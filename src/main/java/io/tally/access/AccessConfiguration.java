package io.tally.access;

import io.micrometer.core.instrument.MeterRegistry;
import io.tally.http.AccessControl;
import io.tally.http.AccessControl.Granted;
import java.util.List;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.springframework.beans.factory.ObjectProvider;
import org.springframework.boot.context.properties.EnableConfigurationProperties;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Configuration;

/** The access control of the configured mode. */
@Configuration(proxyBeanMethods = false)
@EnableConfigurationProperties(AccessProperties.class)
class AccessConfiguration {

    private static final Logger log = LoggerFactory.getLogger(AccessConfiguration.class);

    @Bean
    AccessRefusals accessRefusals(MeterRegistry registry) {
        return new AccessRefusals(registry);
    }

    @Bean
    AccessMode accessMode(AccessProperties properties) {
        return properties.accessMode();
    }

    @Bean
    AccessControl accessControl(
            AccessProperties properties,
            JwtProperties jwt,
            AccessRefusals refusals,
            ObjectProvider<KeyAccess> keys,
            ObjectProvider<TokenVerifier> tokens) {
        AccessMode mode = properties.accessMode();
        warnOfUnused(mode, properties, jwt);
        if (!mode.isClosed()) {
            return authorization -> Granted.ANONYMOUS;
        }
        return new BearerAccess(
                keys.getIfAvailable(),
                new RootKeys(mode.hasKeys() ? properties.rootKeys() : List.of()),
                mode.hasTokens() ? tokens.getObject() : null,
                refusals);
    }

    /** Names credentials that the operator has configured and that the mode refuses. */
    private static void warnOfUnused(AccessMode mode, AccessProperties properties, JwtProperties tokens) {
        if (!mode.hasKeys() && !properties.rootKeys().isEmpty()) {
            log.warn(
                    "{} is set, but {} does not have keys: the root key has no effect",
                    AccessProperties.ROOT_KEY,
                    AccessMode.KEY);
        }
        if (!mode.hasTokens() && tokens.isConfigured()) {
            log.warn(
                    "{}.* is set, but {} does not have jwt: these settings have no effect",
                    JwtProperties.PREFIX,
                    AccessMode.KEY);
        }
    }
}
