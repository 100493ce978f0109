package io.tally.period;

import io.micrometer.core.instrument.MeterRegistry;
import io.tally.idempotency.ExpiredRows;
import io.tally.idempotency.Pruner;
import io.tally.pipeline.CounterPipeline;
import io.tally.postgres.DatabaseProperties;
import io.tally.postgres.LaneConnection;
import io.tally.postgres.Pool;
import io.tally.postgres.PostgresExpiredRows;
import java.time.Duration;
import org.springframework.boot.context.properties.EnableConfigurationProperties;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Configuration;

/** Ended periods and their removal, and the passes over counters that time has changed. */
@Configuration(proxyBeanMethods = false)
@EnableConfigurationProperties(PeriodProperties.class)
class PeriodConfiguration {

    @Bean
    Periods periods(Pool pool) {
        return new PostgresPeriods(pool);
    }

    @Bean
    ExpiredRows endedPeriods(Pool pool) {
        return new PostgresExpiredRows(pool, PeriodSql.PRUNE);
    }

    @Bean
    Pruner periodPruner(ExpiredRows endedPeriods, PeriodProperties properties) {
        return new Pruner("ended periods", endedPeriods, properties.retention(), removed -> {});
    }

    @Bean
    ExpiredRows removedPeriods(Pool pool) {
        return new PostgresRemovedPeriods(pool);
    }

    @Bean
    Pruner removedPeriodPruner(ExpiredRows removedPeriods) {
        return new Pruner("periods of removed counters", removedPeriods, Duration.ZERO, removed -> {});
    }

    @Bean
    Sweeper sweeper(Pool pool, CounterPipeline pipeline, DatabaseProperties database, MeterRegistry registry) {
        return new Sweeper(
                new PostgresSweeps(pool), pipeline::sweep, LaneConnection.useMax(database), new SweepMetrics(registry));
    }
}
