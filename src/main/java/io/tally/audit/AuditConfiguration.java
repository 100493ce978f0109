package io.tally.audit;

import io.tally.pipeline.CounterPipeline;
import io.tally.postgres.DedicatedConnections;
import io.tally.shard.PerShard;
import java.time.Clock;
import java.util.Map;
import org.springframework.boot.context.properties.EnableConfigurationProperties;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Configuration;

/** Audits, and their store. */
@Configuration(proxyBeanMethods = false)
@EnableConfigurationProperties(AuditProperties.class)
class AuditConfiguration {

    @Bean
    PerShard<LedgerStore> ledgerStores(DedicatedConnections connections, AuditProperties properties) {
        return connections.create(properties.timeout(), Map.of()).map(PostgresLedgerStore::new);
    }

    @Bean
    Audits audits(PerShard<LedgerStore> books, CounterPipeline pipeline, AuditProperties properties) {
        return new Audits(books, pipeline, properties, Clock.systemUTC());
    }
}
