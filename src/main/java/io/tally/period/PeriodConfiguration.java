package io.tally.period;

import io.micrometer.core.instrument.MeterRegistry;
import io.tally.idempotency.ExpiredRows;
import io.tally.idempotency.Pruner;
import io.tally.pipeline.CounterPipeline;
import io.tally.postgres.DatabaseProperties;
import io.tally.postgres.LaneConnection;
import io.tally.postgres.Pool;
import io.tally.postgres.PostgresExpiredRows;
import io.tally.shard.PerShard;
import java.time.Duration;
import org.springframework.boot.context.properties.EnableConfigurationProperties;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Configuration;

/** Ended periods and their removal, and the passes over counters that time has changed. */
@Configuration(proxyBeanMethods = false)
@EnableConfigurationProperties(PeriodProperties.class)
class PeriodConfiguration {

    @Bean
    Periods periods(PerShard<Pool> pools) {
        return new PostgresPeriods(pools);
    }

    @Bean
    PerShard<ExpiredRows> endedPeriods(PerShard<Pool> pools) {
        return PostgresExpiredRows.of(pools, PeriodSql.PRUNE);
    }

    @Bean
    Pruner periodPruner(PerShard<ExpiredRows> endedPeriods, PeriodProperties properties) {
        return new Pruner("ended periods", endedPeriods, properties.retention(), removed -> {});
    }

    @Bean
    PerShard<ExpiredRows> removedPeriods(PerShard<Pool> pools) {
        return pools.map(PostgresRemovedPeriods::new);
    }

    @Bean
    Pruner removedPeriodPruner(PerShard<ExpiredRows> removedPeriods) {
        return new Pruner("periods of removed counters", removedPeriods, Duration.ZERO, removed -> {});
    }

    @Bean
    Sweeper sweeper(
            PerShard<Pool> pools, CounterPipeline pipeline, DatabaseProperties database, MeterRegistry registry) {
        return new Sweeper(
                pools.map(PostgresSweeps::new),
                pipeline::sweep,
                LaneConnection.useMax(database),
                new SweepMetrics(registry, pools.sharding()));
    }
}
