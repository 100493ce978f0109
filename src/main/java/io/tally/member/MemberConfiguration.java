package io.tally.member;

import io.tally.postgres.Pool;
import io.tally.shard.PerShard;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Configuration;

/** Reads of members, in PostgreSQL. */
@Configuration(proxyBeanMethods = false)
class MemberConfiguration {

    @Bean
    Members members(PerShard<Pool> pools) {
        return new PostgresMembers(pools);
    }
}
