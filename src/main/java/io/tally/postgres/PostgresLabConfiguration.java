package io.tally.postgres;

import io.r2dbc.postgresql.PostgresqlConnectionFactory;
import io.tally.lab.ConditionalOnLab;
import io.tally.lab.Isolation;
import io.tally.lab.LabDatabase;
import io.tally.lab.LabStore;
import io.tally.pipeline.PipelineProperties;
import java.util.Map;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Configuration;
import reactor.netty.resources.LoopResources;

/** The lab's side of the store. */
@Configuration(proxyBeanMethods = false)
@ConditionalOnLab
class PostgresLabConfiguration {

    private static final String ISOLATION = "default_transaction_isolation";

    @Bean
    LabStore labStore(Pool pool) {
        return new PostgresLabRuns(pool, new OnceWork(pool));
    }

    @Bean
    LabDatabase labDatabase(
            PostgresqlConnectionFactory factory,
            DatabaseProperties properties,
            PipelineProperties pipeline,
            LoopResources loops) {
        return new PostgresLab(
                factory,
                isolation -> sessions(properties, isolation, loops),
                isolation -> lanes(properties, isolation, loops),
                properties,
                pipeline);
    }

    /** As an application has them: nothing is said to the planner. */
    private static PostgresqlConnectionFactory sessions(
            DatabaseProperties properties, Isolation isolation, LoopResources loops) {
        Map<String, String> session = Sessions.of(properties, properties.statementTimeout());
        session.put(ISOLATION, isolation.sql());
        session.put("application_name", "tally-lab");
        return Sessions.connections(properties, session, loops);
    }

    /** As the service has them, but that they see the lab's tables only. */
    private static PostgresqlConnectionFactory lanes(
            DatabaseProperties properties, Isolation isolation, LoopResources loops) {
        Map<String, String> session = Sessions.keyed(properties);
        session.put(ISOLATION, isolation.sql());
        session.put("application_name", "tally-lab");
        session.put("search_path", "lab");
        return Sessions.connections(properties, session, loops);
    }
}
