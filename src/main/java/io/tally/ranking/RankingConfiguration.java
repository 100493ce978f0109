package io.tally.ranking;

import io.micrometer.core.instrument.MeterRegistry;
import io.tally.lane.CallerExecutor;
import io.tally.postgres.DedicatedConnections;
import io.tally.postgres.LaneConnection;
import io.tally.postgres.Pool;
import io.tally.shard.PerShard;
import java.time.Duration;
import java.util.Map;
import org.springframework.boot.context.properties.EnableConfigurationProperties;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Configuration;

/** The orders of counters, and their connections. */
@Configuration(proxyBeanMethods = false)
@EnableConfigurationProperties(RankingProperties.class)
class RankingConfiguration {

    /** The time-out of a pass, enough for the first pass over a hundred million counters. */
    private static final Duration PASS_MAX = Duration.ofMinutes(30);

    /** Session settings for passes, whose plans depend on the sizes of the tables. */
    private static final Map<String, String> PASSES = Map.of(
            "plan_cache_mode",
            "force_custom_plan",
            // A pass compares two tables of a million rows.
            "work_mem",
            "64MB",
            // The session of a killed instance must not keep the lock that allows one pass at a time.
            "client_connection_check_interval",
            "1s");

    @Bean
    PerShard<Ranking> rankingStores(
            PerShard<Pool> pools, DedicatedConnections connections, RankingProperties properties) {
        PerShard<LaneConnection> passes = connections.create(PASS_MAX, PASSES);
        return PerShard.of(
                pools.sharding(),
                index -> new PostgresRanking(
                        pools.at(index), passes.at(index), properties.smallMax(), properties.interval()));
    }

    @Bean
    Rankings rankings(PerShard<Ranking> shards, MeterRegistry registry, CallerExecutor callerExecutor) {
        return new Rankings(shards, registry, callerExecutor);
    }
}
