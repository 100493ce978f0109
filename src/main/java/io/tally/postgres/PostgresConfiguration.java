package io.tally.postgres;

import io.r2dbc.postgresql.PostgresqlConnectionConfiguration;
import io.r2dbc.postgresql.PostgresqlConnectionFactory;
import io.r2dbc.postgresql.PostgresqlConnectionFactoryProvider;
import io.r2dbc.spi.ConnectionFactoryOptions;
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
import java.util.HashMap;
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
        return connections(properties, keyed(properties), loops);
    }

    private static PostgresqlConnectionFactory connections(
            DatabaseProperties properties, Map<String, String> session, LoopResources loops) {
        return new PostgresqlConnectionFactory(address(properties)
                // The client's side would keep a connection on the loop that opened it; the server's spreads them.
                .loopResources(preferNative -> loops.onServer(preferNative))
                .options(session)
                .build());
    }

    static PostgresqlConnectionConfiguration.Builder address(DatabaseProperties properties) {
        // libpq's and JDBC's spelling, so that one URL serves both drivers.
        String url = properties.url().replace("sslrootcert=", "sslRootCert=");
        return PostgresqlConnectionFactoryProvider.builder(ConnectionFactoryOptions.parse("r2dbc:" + url)
                        .mutate()
                        .option(ConnectionFactoryOptions.USER, properties.username())
                        .option(ConnectionFactoryOptions.PASSWORD, properties.password())
                        .build())
                .applicationName("tally")
                .connectTimeout(properties.connectTimeout())
                .tcpKeepAlive(true);
    }

    /** For statements that find every row by its key. */
    private static Map<String, String> keyed(DatabaseProperties properties) {
        Map<String, String> session = session(properties, properties.statementTimeout());
        // A plan outlives the table it was made for: one made for an empty table must not read a full one row by row.
        session.put("enable_seqscan", "off");
        // Each statement has one good plan, whatever the arrays hold; planning anew costs more than it runs.
        session.put("plan_cache_mode", "force_generic_plan");
        return session;
    }

    private static Map<String, String> session(DatabaseProperties properties, Duration statementTimeout) {
        return new HashMap<>(Map.of(
                // Enough for statements that lock what they change; anything stricter only adds retries.
                "default_transaction_isolation", "read committed",
                "lock_timeout", millis(properties.lockTimeout()),
                "statement_timeout", millis(statementTimeout),
                "idle_in_transaction_session_timeout", millis(properties.statementTimeout()),
                "jit", "off"));
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
        Map<String, String> session = session(properties, RANKING_PASS_MAX);
        session.put("plan_cache_mode", "force_custom_plan");
        // Two tables of a million rows, held against each other.
        session.put("work_mem", "64MB");
        // An instance that is killed must not leave a pass behind that holds the right to make one.
        session.put("client_connection_check_interval", "1s");
        return new PostgresRanking(
                pool,
                new LaneConnection(
                        connections(properties, session, loops), properties.connectTimeout(), RANKING_PASS_MAX),
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
                connections(properties, session(properties, audit.timeout()), loops),
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
                        connections(properties, session(properties, PostgresSnapshots.COUNT_MAX), loops),
                        properties.connectTimeout(),
                        PostgresSnapshots.COUNT_MAX));
    }

    /** The host, as an orchestrator names it, and the process. */
    private static String instance() {
        return System.getenv().getOrDefault("HOSTNAME", "localhost") + "/"
                + ProcessHandle.current().pid();
    }

    private static String millis(Duration duration) {
        return duration.toMillis() + "ms";
    }
}
