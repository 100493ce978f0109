package io.tally.job;

import io.r2dbc.spi.Connection;
import io.r2dbc.spi.Statement;
import io.tally.counter.KeyedRequest;
import io.tally.idempotency.IdempotentResult;
import io.tally.pipeline.StoreFailure;
import io.tally.pipeline.StoreFailure.Cause;
import io.tally.pipeline.StoreFailure.Kind;
import io.tally.postgres.IdempotentTransaction;
import io.tally.postgres.IdempotentTransaction.Keeping;
import io.tally.postgres.Pool;
import io.tally.postgres.Statements;
import io.tally.shard.PerShard;
import io.tally.shard.ShardedId;
import java.time.Duration;
import java.util.Comparator;
import java.util.List;
import java.util.Set;
import java.util.UUID;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.UnaryOperator;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;

/** The store of jobs in PostgreSQL, on pooled connections: each call is one small statement. */
final class PostgresJobs implements JobStore {

    private static final Logger log = LoggerFactory.getLogger(PostgresJobs.class);

    private static final Keeping<Started> KEEPING = new Keeping<>(Started.class, Started::fresh);

    /**
     * The maximum of shards that a claim asks, so that idle shards cost a bounded number of statements. A list asks so
     * many at the same time.
     */
    private static final int ASKED_MAX = 4;

    private final PerShard<Pool> pools;
    private final PerShard<IdempotentTransaction> work;

    /** The shard at which the next claim begins, so that each has its turn. */
    private final AtomicInteger turn = new AtomicInteger();

    PostgresJobs(PerShard<Pool> pools, PerShard<IdempotentTransaction> work) {
        this.pools = pools;
        this.work = work;
    }

    @Override
    public Mono<IdempotentResult<Started>> start(String kind, String namespace, @Nullable KeyedRequest request) {
        UUID id = ShardedId.random(pools.sharding().indexOf(namespace));
        return work.of(namespace).run(request, KEEPING, connection -> start(connection, kind, namespace, id));
    }

    private static Mono<Started> start(Connection connection, String kind, String namespace, UUID id) {
        UnaryOperator<Statement> bound = statement -> statement.bind("$1", kind).bind("$2", namespace);
        UnaryOperator<Statement> withId = statement -> bound.apply(statement).bind("$3", id);
        return PostgresJobRows.one(connection, JobSql.START, withId, row -> new Started(true, PostgresJobRows.job(row)))
                .switchIfEmpty(Mono.defer(() -> PostgresJobRows.one(
                        connection, JobSql.RUNNING, bound, row -> new Started(false, PostgresJobRows.job(row)))))
                .switchIfEmpty(Mono.error(PostgresJobs::justEnded));
    }

    private static StoreFailure justEnded() {
        return new StoreFailure(Kind.CONFLICT, Cause.KEY_RACE, "the job in the way has just ended");
    }

    @Override
    public Mono<Job> find(UUID id) {
        return Mono.justOrEmpty(ShardedId.find(pools, id))
                .flatMap(pool -> pool.read(connection -> PostgresJobRows.one(
                        connection, JobSql.FIND, statement -> statement.bind("$1", id), PostgresJobRows::job)));
    }

    @Override
    public Mono<List<Job>> running(int max) {
        return Flux.fromIterable(pools.all())
                .flatMap(pool -> pool.read(connection -> running(connection, max)), ASKED_MAX)
                .flatMapIterable(jobs -> jobs)
                .sort(Comparator.comparing(Job::startedAt))
                .take(max)
                .collectList();
    }

    private static Mono<List<Job>> running(Connection connection, int max) {
        return Statements.all(connection.createStatement(JobSql.ALL_RUNNING).bind("$1", max), PostgresJobRows::job);
    }

    @Override
    public Mono<Claim> claim(Set<String> kinds) {
        int count = pools.all().size();
        int asked = Math.min(count, ASKED_MAX);
        int first = turn.getAndUpdate(last -> (last + 1) % count);
        return Flux.range(first, asked)
                .map(index -> pools.at(index % count))
                .concatMap(pool -> claim(pool, kinds).onErrorResume(StoreFailure.class, PostgresJobs::none))
                .next();
    }

    /** The next shards are asked nevertheless; the lanes log an unavailable database. */
    private static Mono<Claim> none(StoreFailure failure) {
        log.debug("No job was claimed in a shard", failure);
        return Mono.empty();
    }

    private static Mono<Claim> claim(Pool pool, Set<String> kinds) {
        return pool.use(connection -> PostgresJobRows.one(
                connection,
                JobSql.CLAIM,
                statement -> statement.bind("$1", kinds.toArray(String[]::new)).bind("$2", LeasedWork.LEASE.toMillis()),
                PostgresJobRows::claim));
    }

    @Override
    public Mono<Void> renew(Claim claim) {
        return lease(claim, LeasedWork.LEASE, null);
    }

    @Override
    public Mono<Void> counted(Claim claim, long total) {
        return lease(claim, LeasedWork.LEASE, total);
    }

    @Override
    public Mono<Void> release(Claim claim) {
        return lease(claim, Duration.ZERO, null);
    }

    private Mono<Void> lease(Claim claim, Duration lease, @Nullable Long total) {
        return update(
                claim,
                JobSql.LEASE,
                statement -> total == null
                        ? statement.bind("$3", lease.toMillis()).bindNull("$4", Long.class)
                        : statement.bind("$3", lease.toMillis()).bind("$4", total));
    }

    @Override
    public Mono<Void> fail(Claim claim, String problem) {
        return update(claim, JobSql.FAIL, statement -> statement.bind("$3", problem));
    }

    private Mono<Void> update(Claim claim, String sql, UnaryOperator<Statement> bound) {
        return pools.of(claim.job().namespace())
                .use(connection -> Statements.rows(bound.apply(connection
                        .createStatement(sql)
                        .bind("$1", claim.job().id())
                        .bind("$2", claim.number()))))
                .then();
    }
}
