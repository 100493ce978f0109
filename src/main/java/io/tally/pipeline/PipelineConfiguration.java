package io.tally.pipeline;

import io.tally.idempotency.ExpiredRows;
import io.tally.idempotency.IdempotencyProperties;
import io.tally.idempotency.KeyScopes;
import io.tally.idempotency.Pruner;
import io.tally.idempotency.SharedScopes;
import io.tally.idempotency.StoredKeys;
import io.tally.lane.CallerExecutor;
import io.tally.shard.PerShard;
import java.time.InstantSource;
import org.springframework.boot.context.properties.EnableConfigurationProperties;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Configuration;
import org.springframework.scheduling.annotation.EnableScheduling;

/** The pipeline, with the beans of its store and metrics. */
@Configuration(proxyBeanMethods = false)
@EnableConfigurationProperties({PipelineProperties.class, IdempotencyProperties.class})
@EnableScheduling
class PipelineConfiguration {

    @Bean
    CounterPipeline counterPipeline(
            PerShard<CounterStore> stores,
            PipelineProperties limits,
            LaneMetrics metrics,
            CallerExecutor callerExecutor) {
        return new CounterPipeline(stores, limits, metrics, callerExecutor, System::nanoTime);
    }

    @Bean
    Pruner keyPruner(PerShard<ExpiredRows> expiredKeys, IdempotencyProperties properties, LaneMetrics metrics) {
        return new Pruner("idempotency keys", expiredKeys, properties.retention(), metrics::pruned);
    }

    @Bean
    KeyScopes keyScopes(PerShard<StoredKeys> stored, IdempotencyProperties properties) {
        return new KeyScopes(
                stored.map(shard -> new SharedScopes(shard, properties.retention(), InstantSource.system())));
    }
}
