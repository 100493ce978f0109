package io.tally.audit;

import io.tally.pipeline.CounterPipeline;
import java.time.Clock;
import org.springframework.boot.context.properties.EnableConfigurationProperties;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Configuration;

/** Audits, on whatever books there are. */
@Configuration(proxyBeanMethods = false)
@EnableConfigurationProperties(AuditProperties.class)
class AuditConfiguration {

    @Bean
    Audits audits(Books books, CounterPipeline pipeline, AuditProperties properties) {
        return new Audits(books, pipeline, properties, Clock.systemUTC());
    }
}
