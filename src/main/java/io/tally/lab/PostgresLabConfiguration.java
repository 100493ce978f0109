package io.tally.lab;

import io.tally.pipeline.PipelineProperties;
import io.tally.postgres.DatabaseProperties;
import io.tally.postgres.IdempotentTransaction;
import io.tally.postgres.Pool;
import io.tally.postgres.SessionConnections;
import io.tally.postgres.Sessions;
import io.tally.shard.PerShard;
import java.util.Map;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Configuration;
import reactor.netty.resources.LoopResources;

/** The beans of the lab in PostgreSQL. */
@Configuration(proxyBeanMethods = false)
@ConditionalOnLab
class PostgresLabConfiguration {

    private static final String SCHEMA = "lab";
    private static final String ISOLATION = "default_transaction_isolation";

    @Bean
    LabStore labStore(PerShard<Pool> pools, PerShard<IdempotentTransaction> transactions) {
        return new PostgresLabRuns(pools.first(), transactions.first());
    }

    @Bean
    LabDatabase labDatabase(
            PerShard<SessionConnections> connections,
            DatabaseProperties properties,
            PipelineProperties pipeline,
            LoopResources loops) {
        return new PostgresLab(
                connections.first(),
                isolation -> sessions(properties, isolation, loops),
                isolation -> lanes(properties, isolation, loops),
                properties,
                pipeline);
    }

    /** Sessions like those of an application, without planner settings. */
    private static SessionConnections sessions(
            DatabaseProperties properties, Isolation isolation, LoopResources loops) {
        Map<String, String> session = Sessions.of(properties, properties.statementTimeout());
        session.put(ISOLATION, isolation.sql());
        session.put("application_name", "tally-lab");
        return Sessions.connections(properties, null, session, loops);
    }

    /** Sessions like those of the service, with only the lab's tables in the search_path. */
    private static SessionConnections lanes(DatabaseProperties properties, Isolation isolation, LoopResources loops) {
        Map<String, String> session = Sessions.keyed(properties);
        session.put(ISOLATION, isolation.sql());
        session.put("application_name", "tally-lab");
        return Sessions.connections(properties, SCHEMA, session, loops);
    }
}
