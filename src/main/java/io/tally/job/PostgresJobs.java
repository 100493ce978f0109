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
import java.time.Duration;
import java.util.Set;
import java.util.UUID;
import java.util.function.UnaryOperator;
import org.jspecify.annotations.Nullable;
import reactor.core.publisher.Mono;

/** The store of jobs in PostgreSQL, on pooled connections: each call is one small statement. */
final class PostgresJobs implements JobStore {

    private static final Keeping<Started> KEEPING = new Keeping<>(Started.class, Started::fresh);

    private final Pool pool;
    private final IdempotentTransaction work;

    PostgresJobs(Pool pool, IdempotentTransaction work) {
        this.pool = pool;
        this.work = work;
    }

    @Override
    public Mono<IdempotentResult<Started>> start(String kind, String namespace, @Nullable KeyedRequest request) {
        return work.run(request, KEEPING, connection -> start(connection, kind, namespace));
    }

    private static Mono<Started> start(Connection connection, String kind, String namespace) {
        UnaryOperator<Statement> bound = statement -> statement.bind("$1", kind).bind("$2", namespace);
        return PostgresJobRows.one(connection, JobSql.START, bound, row -> new Started(true, PostgresJobRows.job(row)))
                .switchIfEmpty(Mono.defer(() -> PostgresJobRows.one(
                        connection, JobSql.RUNNING, bound, row -> new Started(false, PostgresJobRows.job(row)))))
                .switchIfEmpty(Mono.error(PostgresJobs::justEnded));
    }

    private static StoreFailure justEnded() {
        return new StoreFailure(Kind.CONFLICT, Cause.KEY_RACE, "the job in the way has just ended");
    }

    @Override
    public Mono<Job> find(UUID id) {
        return pool.read(connection -> PostgresJobRows.one(
                connection, JobSql.FIND, statement -> statement.bind("$1", id), PostgresJobRows::job));
    }

    @Override
    public Mono<Claim> claim(Set<String> kinds) {
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
        return pool.use(connection -> Statements.rows(bound.apply(connection
                        .createStatement(sql)
                        .bind("$1", claim.job().id())
                        .bind("$2", claim.number()))))
                .then();
    }
}
