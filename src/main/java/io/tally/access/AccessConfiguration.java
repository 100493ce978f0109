package io.tally.access;

import io.micrometer.core.instrument.MeterRegistry;
import io.tally.StartupException;
import io.tally.http.AccessControl;
import io.tally.http.AccessControl.Granted;
import java.util.List;
import org.springframework.beans.factory.ObjectProvider;
import org.springframework.boot.context.properties.EnableConfigurationProperties;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Configuration;

/** The access control of the configured mode. */
@Configuration(proxyBeanMethods = false)
@EnableConfigurationProperties(AccessProperties.class)
class AccessConfiguration {

    @Bean
    AccessRefusals accessRefusals(MeterRegistry registry) {
        return new AccessRefusals(registry);
    }

    @Bean
    AccessControl accessControl(
            AccessProperties properties,
            AccessRefusals refusals,
            ObjectProvider<KeyAccess> keys,
            ObjectProvider<TokenVerifier> tokens) {
        AccessMode mode = properties.accessMode();
        if (!mode.isClosed()) {
            return authorization -> Granted.ANONYMOUS;
        }
        return new BearerAccess(
                keys.getIfAvailable(),
                new RootKeys(mode.hasKeys() ? properties.rootKeys() : List.of()),
                mode.hasTokens() ? verifier(tokens) : null,
                refusals);
    }

    private static TokenVerifier verifier(ObjectProvider<TokenVerifier> tokens) {
        return tokens.getIfAvailable(() -> {
            throw new StartupException(
                    "The access mode has jwt, and the issuer of the tokens is not configured.",
                    "Set tally.access.jwt.issuer-uri or tally.access.jwt.jwk-set-uri, and tally.access.jwt.audience.");
        });
    }
}
