package io.tally.snapshot;

import io.tally.job.JobKind;
import io.tally.postgres.DedicatedConnections;
import java.util.Map;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Configuration;

/** Snapshots as a kind of job, in PostgreSQL. */
@Configuration(proxyBeanMethods = false)
class SnapshotConfiguration {

    @Bean
    JobKind snapshots(DedicatedConnections connections) {
        return new PostgresSnapshots(connections.create(), connections.create(PostgresSnapshots.COUNT_MAX, Map.of()));
    }
}
