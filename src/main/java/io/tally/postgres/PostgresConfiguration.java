package io.tally.postgres;

import io.r2dbc.postgresql.PostgresqlConnectionFactory;
import io.tally.audit.AuditProperties;
import io.tally.audit.Books;
import io.tally.job.JobKind;
import io.tally.job.JobStore;
import io.tally.member.Members;
import io.tally.name.NameStore;
import io.tally.pipeline.CounterStore;
import io.tally.pipeline.ExpiredRows;
import io.tally.ranking.Ranking;
import io.tally.ranking.RankingProperties;
import io.tally.token.TokenStore;
import io.tally.watch.Changes;
import java.time.Duration;
import java.util.Map;
import org.springframework.boot.context.properties.EnableConfigurationProperties;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Configuration;
import reactor.netty.resources.LoopResources;

/** The store, on connections that share the event loops of HTTP. */
@Configuration(proxyBeanMethods = false)
@EnableConfigurationProperties(DatabaseProperties.class)
class PostgresConfiguration {

    /** The longest pass over the counters of a namespace: the first over a hundred million. */
    private static final Duration RANKING_PASS_MAX = Duration.ofMinutes(30);

    @Bean
    PostgresqlConnectionFactory connectionFactory(DatabaseProperties properties, LoopResources loops) {
        return Sessions.connections(properties, Sessions.keyed(properties), loops);
    }

    @Bean
    Pool pool(PostgresqlConnectionFactory factory, DatabaseProperties properties) {
        return new Pool(factory, properties, properties.readConnectionsMax() - 1);
    }

    /** For reads of counters alone, which ask one question at a time: nothing else holds them up. */
    @Bean
    Pool counterPool(PostgresqlConnectionFactory factory, DatabaseProperties properties) {
        return new Pool(factory, properties, 1);
    }

    @Bean
    CounterStore counterStore(PostgresqlConnectionFactory factory, Pool counterPool, DatabaseProperties properties) {
        return new PostgresCounterStore(factory, counterPool, properties, instance());
    }

    @Bean
    ExpiredRows expiredKeys(Pool pool) {
        return new PostgresExpiredRows(pool, CounterSql.PRUNE);
    }

    @Bean
    ExpiredRows expiredTokens(Pool pool) {
        return new PostgresExpiredRows(pool, TokenSql.PRUNE);
    }

    @Bean
    TokenStore tokenStore(Pool pool) {
        return new PostgresTokens(new OnceWork(pool));
    }

    @Bean
    Members members(Pool pool) {
        return new PostgresMembers(pool);
    }

    /** On a connection of its own for passes, whose plans depend on how much there is of what. */
    @Bean
    Ranking ranking(Pool pool, DatabaseProperties properties, RankingProperties ranking, LoopResources loops) {
        Map<String, String> session = Sessions.of(properties, RANKING_PASS_MAX);
        session.put("plan_cache_mode", "force_custom_plan");
        // Two tables of a million rows, held against each other.
        session.put("work_mem", "64MB");
        // An instance that is killed must not leave a pass behind that holds the right to make one.
        session.put("client_connection_check_interval", "1s");
        return new PostgresRanking(
                pool,
                new LaneConnection(
                        Sessions.connections(properties, session, loops),
                        properties.connectTimeout(),
                        RANKING_PASS_MAX),
                ranking.smallMax(),
                ranking.interval());
    }

    @Bean
    Changes changes(Pool pool) {
        return new PostgresChanges(pool);
    }

    @Bean
    NameStore nameStore(Pool pool) {
        return new PostgresNames(pool);
    }

    @Bean
    Books books(DatabaseProperties properties, AuditProperties audit, LoopResources loops) {
        return new PostgresBooks(new LaneConnection(
                Sessions.connections(properties, Sessions.of(properties, audit.timeout()), loops),
                properties.connectTimeout(),
                audit.timeout()));
    }

    @Bean
    JobStore jobStore(Pool pool) {
        return new PostgresJobs(pool, new OnceWork(pool));
    }

    @Bean
    JobKind snapshots(PostgresqlConnectionFactory factory, DatabaseProperties properties, LoopResources loops) {
        return new PostgresSnapshots(
                new LaneConnection(factory, properties.connectTimeout(), properties.statementTimeout()),
                new LaneConnection(
                        Sessions.connections(properties, Sessions.of(properties, PostgresSnapshots.COUNT_MAX), loops),
                        properties.connectTimeout(),
                        PostgresSnapshots.COUNT_MAX));
    }

    /** The host, as an orchestrator names it, and the process. */
    private static String instance() {
        return System.getenv().getOrDefault("HOSTNAME", "localhost") + "/"
                + ProcessHandle.current().pid();
    }
}
