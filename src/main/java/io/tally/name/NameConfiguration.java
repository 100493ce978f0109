package io.tally.name;

import io.tally.lane.CallerExecutor;
import io.tally.pipeline.PipelineProperties;
import io.tally.postgres.Pool;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Configuration;

/** The beans of names. */
@Configuration(proxyBeanMethods = false)
class NameConfiguration {

    @Bean
    NameStore nameStore(Pool pool) {
        return new PostgresNames(pool);
    }

    @Bean
    Names names(NameStore store, PipelineProperties limits, CallerExecutor callerExecutor) {
        return new Names(store, limits, callerExecutor, System::nanoTime);
    }
}
