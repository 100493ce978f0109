package io.tally.member;

import io.tally.postgres.Pool;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Configuration;

/** Reads of members, in PostgreSQL. */
@Configuration(proxyBeanMethods = false)
class MemberConfiguration {

    @Bean
    Members members(Pool pool) {
        return new PostgresMembers(pool);
    }
}
