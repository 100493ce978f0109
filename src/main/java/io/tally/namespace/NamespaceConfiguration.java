package io.tally.namespace;

import io.tally.postgres.Pool;
import io.tally.shard.PerShard;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Configuration;

/** The store of namespaces. */
@Configuration(proxyBeanMethods = false)
class NamespaceConfiguration {

    @Bean
    Namespaces namespaces(PerShard<Pool> pools) {
        return new PostgresNamespaces(pools);
    }
}
