package io.tally.token;

import io.tally.idempotency.ExpiredRows;
import io.tally.idempotency.Pruner;
import io.tally.postgres.IdempotentTransaction;
import io.tally.postgres.Pool;
import io.tally.postgres.PostgresExpiredRows;
import io.tally.shard.PerShard;
import org.springframework.boot.context.properties.EnableConfigurationProperties;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Configuration;

/** Removes executed and expired tokens. */
@Configuration(proxyBeanMethods = false)
@EnableConfigurationProperties(TokenProperties.class)
class TokenConfiguration {

    @Bean
    TokenStore tokenStore(PerShard<IdempotentTransaction> transactions) {
        return new PostgresTokens(transactions);
    }

    @Bean
    PerShard<ExpiredRows> expiredTokens(PerShard<Pool> pools) {
        return PostgresExpiredRows.of(pools, TokenSql.PRUNE);
    }

    @Bean
    Pruner tokenPruner(PerShard<ExpiredRows> expiredTokens, TokenProperties properties) {
        return new Pruner("tokens", expiredTokens, properties.retention(), removed -> {});
    }
}
