package io.tally.ranking;

import io.tally.lane.CallerExecutor;
import org.springframework.boot.context.properties.EnableConfigurationProperties;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Configuration;

/** The orders, on whatever store there is. */
@Configuration(proxyBeanMethods = false)
@EnableConfigurationProperties(RankingProperties.class)
class RankingConfiguration {

    @Bean
    Rankings rankings(Ranking ranking, RankingMetrics metrics, CallerExecutor threads) {
        return new Rankings(ranking, metrics, threads);
    }
}
