package io.tally.token;

import io.tally.idempotency.ExpiredRows;
import io.tally.idempotency.Pruner;
import io.tally.postgres.IdempotentTransaction;
import io.tally.postgres.Pool;
import io.tally.postgres.PostgresExpiredRows;
import org.springframework.boot.context.properties.EnableConfigurationProperties;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Configuration;

/** Removes executed and expired tokens. */
@Configuration(proxyBeanMethods = false)
@EnableConfigurationProperties(TokenProperties.class)
class TokenConfiguration {

    @Bean
    TokenStore tokenStore(IdempotentTransaction transaction) {
        return new PostgresTokens(transaction);
    }

    @Bean
    ExpiredRows expiredTokens(Pool pool) {
        return new PostgresExpiredRows(pool, TokenSql.PRUNE);
    }

    @Bean
    Pruner tokenPruner(ExpiredRows expiredTokens, TokenProperties properties) {
        return new Pruner("tokens", expiredTokens, properties.retention(), removed -> {});
    }
}
