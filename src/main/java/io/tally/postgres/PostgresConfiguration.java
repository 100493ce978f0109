package io.tally.postgres;

import io.tally.idempotency.ExpiredRows;
import io.tally.idempotency.StoredKeys;
import io.tally.pipeline.CounterStore;
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
@EnableConfigurationProperties({DatabaseProperties.class, FlywayProperties.class})
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
    SessionConnections connectionFactory(DatabaseProperties properties, LoopResources loops) {
        return Sessions.connections(properties, Sessions.keyed(properties), loops);
    }

    @Bean
    Pool pool(SessionConnections factory, DatabaseProperties properties) {
        return new Pool(factory, properties, properties.readConnectionsMax() - 1);
    }

    /** Only for reads of counters, which send one statement at a time, so that no other statement delays them. */
    @Bean
    Pool counterPool(SessionConnections factory, DatabaseProperties properties) {
        return new Pool(factory, properties, 1);
    }

    @Bean
    CounterStore counterStore(SessionConnections factory, Pool counterPool, DatabaseProperties properties) {
        return new PostgresCounterStore(factory, counterPool, properties, instance());
    }

    @Bean
    ExpiredRows expiredKeys(Pool pool) {
        return new PostgresExpiredRows(pool, CounterSql.PRUNE);
    }

    @Bean
    StoredKeys storedKeys(Pool pool) {
        return new PostgresStoredKeys(pool);
    }

    @Bean
    DedicatedConnections dedicatedConnections(
            SessionConnections factory, DatabaseProperties properties, LoopResources loops) {
        return new DedicatedConnections(factory, properties, loops);
    }

    @Bean
    IdempotentTransaction idempotentTransaction(Pool pool) {
        return new IdempotentTransaction(pool);
    }

    @Bean
    DatabaseStart databaseStart(SessionConnections sessions, DatabaseProperties properties) {
        return new DatabaseStart(
                // Not of DedicatedConnections, which probe each connection for good.
                () -> new LaneConnection(sessions, properties.connectTimeout(), properties.statementTimeout()),
                new DatabaseProof(Sessions.keyed(properties)),
                properties.startWaitMax());
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

    /** The name of this instance: the host name, which is the pod in Kubernetes, and the process id. */
    private static String instance() {
        return System.getenv().getOrDefault("HOSTNAME", "localhost") + "/"
                + ProcessHandle.current().pid();
    }
}
