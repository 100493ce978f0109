package io.tally.watch;

import io.micrometer.core.instrument.MeterRegistry;
import io.tally.http.ResponseJson;
import io.tally.lane.CallerExecutor;
import io.tally.pipeline.PipelineProperties;
import io.tally.postgres.Pool;
import io.tally.shard.PerShard;
import org.springframework.boot.context.properties.EnableConfigurationProperties;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Configuration;

/** Live streams, and their source of changes. */
@Configuration(proxyBeanMethods = false)
@EnableConfigurationProperties(WatchProperties.class)
class WatchConfiguration {

    @Bean
    PerShard<Changes> changes(PerShard<Pool> pools) {
        return pools.map(PostgresChanges::new);
    }

    @Bean
    Watches watches(
            PerShard<Changes> changes,
            ResponseJson json,
            WatchProperties properties,
            PipelineProperties pipeline,
            MeterRegistry registry,
            CallerExecutor callerExecutor) {
        return new Watches(changes, json, properties, pipeline.waitMax(), registry, callerExecutor, System::nanoTime);
    }
}
