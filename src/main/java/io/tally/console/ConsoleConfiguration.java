package io.tally.console;

import io.tally.access.AccessMode;
import io.tally.audit.AuditProperties;
import io.tally.http.SessionCookies;
import io.tally.postgres.Pool;
import io.tally.shard.PerShard;
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

    /** An instance that runs is seen at each audit, and one audit may be late. */
    @Bean
    Instances instances(PerShard<Pool> pools, AuditProperties audits) {
        return new PostgresInstances(pools, audits.interval().multipliedBy(2).plus(audits.timeout()));
    }
}
