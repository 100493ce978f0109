package io.tally.postgres;

import io.tally.idempotency.ExpiredRows;
import io.tally.idempotency.StoredKeys;
import io.tally.pipeline.CounterStore;
import io.tally.pipeline.PipelineProperties;
import io.tally.shard.PerShard;
import io.tally.shard.Sharding;
import org.springframework.beans.factory.InitializingBean;
import org.springframework.boot.autoconfigure.condition.ConditionalOnBooleanProperty;
import org.springframework.boot.autoconfigure.condition.ConditionalOnMissingBean;
import org.springframework.boot.context.properties.EnableConfigurationProperties;
import org.springframework.boot.flyway.autoconfigure.FlywayConfigurationCustomizer;
import org.springframework.boot.flyway.autoconfigure.FlywayMigrationStrategy;
import org.springframework.boot.flyway.autoconfigure.FlywayProperties;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Configuration;
import reactor.netty.resources.LoopResources;

/** The beans of the counter store and its connections, which share the event loops of HTTP. */
@Configuration(proxyBeanMethods = false)
@EnableConfigurationProperties({DatabaseProperties.class, FlywayProperties.class, Sharding.class})
class PostgresConfiguration {

    /** Static, since Spring binds settings before it creates most beans. */
    @Bean
    static LiteralCredentials literalCredentials() {
        return new LiteralCredentials();
    }

    @Bean
    MigrationConnection migrationConnection(DatabaseProperties database, FlywayProperties flyway) {
        return new MigrationConnection(database, flyway);
    }

    /** Migrations do not depend on the session defaults of the role or the database, either. */
    @Bean
    FlywayConfigurationCustomizer migrationSessions(MigrationConnection connection) {
        return flyway -> flyway.dataSource(connection.dataSource()).initSql(SessionSql.MIGRATE);
    }

    @Bean
    ShardSchemas shardSchemas(Sharding sharding, DatabaseProperties properties) {
        return ShardSchemas.of(sharding, properties.address());
    }

    @Bean
    PerShard<SessionConnections> sessionConnections(
            ShardSchemas schemas, DatabaseProperties properties, LoopResources loops) {
        return PerShard.of(
                schemas.sharding(),
                index -> Sessions.connections(properties, schemas.of(index), Sessions.keyed(properties), loops));
    }

    @Bean
    Pools pools(PerShard<SessionConnections> connections, DatabaseProperties properties) {
        return Pools.of(connections, properties);
    }

    @Bean
    PerShard<Pool> featurePools(Pools pools) {
        return pools.features();
    }

    @Bean
    PerShard<CounterStore> counterStores(
            PerShard<SessionConnections> connections, Pools pools, DatabaseProperties properties) {
        return PerShard.of(
                connections.sharding(),
                index -> new PostgresCounterStore(
                        connections.at(index), pools.counters().at(index), properties, InstanceName.own()));
    }

    @Bean
    PerShard<ExpiredRows> expiredKeys(PerShard<Pool> pools) {
        return PostgresExpiredRows.of(pools, CounterSql.PRUNE);
    }

    @Bean
    PerShard<StoredKeys> storedKeys(PerShard<Pool> pools) {
        return pools.map(PostgresStoredKeys::new);
    }

    @Bean
    DedicatedConnections dedicatedConnections(
            PerShard<SessionConnections> connections,
            ShardSchemas schemas,
            DatabaseProperties properties,
            LoopResources loops) {
        return new DedicatedConnections(connections, schemas, properties, loops);
    }

    @Bean
    PerShard<IdempotentTransaction> idempotentTransactions(PerShard<Pool> pools) {
        return pools.map(IdempotentTransaction::new);
    }

    @Bean
    DatabaseStart databaseStart(
            PerShard<SessionConnections> connections,
            ShardSchemas schemas,
            DatabaseProperties properties,
            PipelineProperties pipeline,
            LoopResources loops) {
        SessionConnections plain = Sessions.connections(properties, null, Sessions.keyed(properties), loops);
        return new DatabaseStart(
                // Not of DedicatedConnections, which probe each connection for good.
                () -> connection(plain, properties),
                connections.map(shard -> () -> connection(shard, properties)),
                schemas,
                new DatabaseProof(Sessions.keyed(properties)),
                ConnectionNeeds.of(schemas.sharding(), pipeline, properties),
                properties.startWaitMax());
    }

    private static LaneConnection connection(SessionConnections connections, DatabaseProperties properties) {
        return new LaneConnection(connections, properties.connectTimeout(), properties.statementTimeout());
    }

    @Bean
    @ConditionalOnMissingBean
    FlywayMigrationStrategy migration(DatabaseStart start) {
        return start::run;
    }

    /** Runs the start without Flyway, which would otherwise run it. */
    @Bean
    @ConditionalOnBooleanProperty(name = "spring.flyway.enabled", havingValue = false)
    InitializingBean startWithoutMigration(DatabaseStart start) {
        return () -> start.run(null);
    }
}
