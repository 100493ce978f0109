package io.tally.name;

import io.tally.lane.CallerExecutor;
import io.tally.pipeline.PipelineProperties;
import io.tally.postgres.Pool;
import io.tally.shard.PerShard;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Configuration;

/** The beans of names. */
@Configuration(proxyBeanMethods = false)
class NameConfiguration {

    @Bean
    PerShard<NameStore> nameStores(PerShard<Pool> pools) {
        return pools.map(PostgresNames::new);
    }

    @Bean
    Names names(PerShard<NameStore> stores, PipelineProperties limits, CallerExecutor callerExecutor) {
        return new Names(stores, limits, callerExecutor, System::nanoTime);
    }
}
