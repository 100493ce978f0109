package io.tally.access;

import io.tally.lane.CallerExecutor;
import io.tally.pipeline.PipelineProperties;
import io.tally.postgres.Pool;
import io.tally.shard.PerShard;
import io.tally.shard.Sharding;
import java.time.Duration;
import java.time.InstantSource;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Configuration;
import tools.jackson.databind.json.JsonMapper;

/** Access keys, where the access mode has them. */
@Configuration(proxyBeanMethods = false)
@ConditionalOnKeys
class KeyConfiguration {

    @Bean
    AccessKeyStore accessKeyStore(PerShard<Pool> pools, JsonMapper json) {
        return new PostgresAccessKeys(pools.first(), new GrantJson(json));
    }

    @Bean
    KnownKeys knownKeys(AccessKeyStore store, Sharding sharding, AccessProperties properties, AccessRefusals refusals) {
        Duration trustedMax = sharding.count() == 1 ? KnownKeys.TRUSTED_MAX : KnownKeys.TRUSTED_WITH_SHARDS;
        return new KnownKeys(
                store, trustedMax, properties.instances(), refusals, InstantSource.system(), System::nanoTime);
    }

    @Bean
    KeyPolls keyPolls(AccessKeyStore store, KnownKeys known, PipelineProperties limits, CallerExecutor callerExecutor) {
        return new KeyPolls(store, known, limits, callerExecutor, System::nanoTime);
    }

    @Bean
    KeyAccess keyAccess(KnownKeys known, KeyPolls polls, AccessRefusals refusals) {
        return new KeyAccess(known, polls, refusals, InstantSource.system());
    }
}
