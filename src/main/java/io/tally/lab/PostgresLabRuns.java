package io.tally.lab;

import io.r2dbc.spi.Connection;
import io.r2dbc.spi.Readable;
import io.r2dbc.spi.Statement;
import io.tally.counter.KeyedRequest;
import io.tally.idempotency.IdempotentResult;
import io.tally.job.Job.State;
import io.tally.job.LeasedWork;
import io.tally.lab.LabStore.Ending.Cancelled;
import io.tally.lab.LabStore.Ending.Done;
import io.tally.lab.LabStore.Ending.Failed;
import io.tally.pipeline.StoreFailure;
import io.tally.pipeline.StoreFailure.Cause;
import io.tally.pipeline.StoreFailure.Kind;
import io.tally.postgres.CounterRows;
import io.tally.postgres.IdempotentTransaction;
import io.tally.postgres.IdempotentTransaction.Keeping;
import io.tally.postgres.Pool;
import io.tally.postgres.Statements;
import java.util.List;
import java.util.Objects;
import java.util.UUID;
import java.util.function.UnaryOperator;
import org.jspecify.annotations.Nullable;
import reactor.core.publisher.Mono;

/** The store of runs in PostgreSQL, on pooled connections: each call is one small statement. */
final class PostgresLabRuns implements LabStore {

    private static final Keeping<Started> KEEPING = new Keeping<>(Started.class, Started::fresh);

    private final Pool pool;
    private final IdempotentTransaction work;

    PostgresLabRuns(Pool pool, IdempotentTransaction work) {
        this.pool = pool;
        this.work = work;
    }

    @Override
    public Mono<IdempotentResult<Started>> start(Experiment experiment, @Nullable KeyedRequest request) {
        return work.run(request, KEEPING, connection -> start(connection, experiment));
    }

    private static Mono<Started> start(Connection connection, Experiment experiment) {
        Statement start = connection
                .createStatement(LabRunSql.START)
                .bind("$1", experiment.strategy().label())
                .bind("$2", experiment.isolation().label())
                .bind("$3", experiment.workers())
                .bind("$4", experiment.increments())
                .bind("$5", experiment.counters());
        return Statements.one(start, row -> new Started(true, run(row)))
                .switchIfEmpty(Mono.defer(() -> Statements.one(
                        connection.createStatement(LabRunSql.RUNNING), row -> new Started(false, run(row)))))
                .switchIfEmpty(Mono.error(PostgresLabRuns::justEnded));
    }

    private static StoreFailure justEnded() {
        return new StoreFailure(Kind.CONFLICT, Cause.KEY_RACE, "the run in the way has just ended");
    }

    @Override
    public Mono<LabRun> find(UUID id) {
        return pool.read(connection ->
                Statements.one(connection.createStatement(LabRunSql.FIND).bind("$1", id), PostgresLabRuns::run));
    }

    @Override
    public Mono<List<LabRun>> list() {
        return pool.read(
                connection -> Statements.all(connection.createStatement(LabRunSql.LIST), PostgresLabRuns::run));
    }

    @Override
    public Mono<LabRun> stop(UUID id) {
        return pool.use(connection -> Statements.one(
                        connection.createStatement(LabRunSql.STOP).bind("$1", id), PostgresLabRuns::run))
                // A client that disconnects does not withdraw its request.
                .cache();
    }

    @Override
    public Mono<Claim> claim() {
        return pool.use(connection -> Statements.one(
                connection.createStatement(LabRunSql.CLAIM).bind("$1", LeasedWork.LEASE.toMillis()),
                row -> new Claim(run(row), CounterRows.number(row, "claims"))));
    }

    @Override
    public Mono<ClaimState> progress(Claim claim, long done) {
        return pool.use(connection -> Statements.one(
                        connection
                                .createStatement(LabRunSql.PROGRESS)
                                .bind("$1", claim.run().id())
                                .bind("$2", claim.number())
                                .bind("$3", done)
                                .bind("$4", LeasedWork.LEASE.toMillis()),
                        row -> CounterRows.is(row, "stopping") ? ClaimState.STOP_REQUESTED : ClaimState.ACTIVE))
                .defaultIfEmpty(ClaimState.LOST);
    }

    @Override
    public Mono<Boolean> end(Claim claim, long done, Ending ending) {
        return switch (ending) {
            case Done measured -> end(claim, LabRunSql.DONE, done, statement -> bind(statement, measured.result()));
            case Failed failed -> end(claim, LabRunSql.FAIL, done, statement -> statement.bind("$4", failed.problem()));
            case Cancelled cancelled -> end(claim, LabRunSql.CANCEL, done, statement -> statement);
        };
    }

    private Mono<Boolean> end(Claim claim, String sql, long done, UnaryOperator<Statement> bound) {
        return pool.use(connection -> Statements.rows(bound.apply(connection
                        .createStatement(sql)
                        .bind("$1", claim.run().id())
                        .bind("$2", claim.number())
                        .bind("$3", done))))
                .map(rows -> rows == 1);
    }

    private static Statement bind(Statement statement, LabRun.Result result) {
        statement
                .bind("$4", result.acknowledged())
                .bind("$5", result.stored())
                .bind("$6", result.duplicateRows())
                .bind("$7", result.errors())
                .bind("$8", result.retries())
                .bind("$9", result.seconds())
                .bind("$12", result.timedOut());
        bind(statement, "$10", result.p50Ms());
        bind(statement, "$11", result.p99Ms());
        return statement;
    }

    private static void bind(Statement statement, String parameter, @Nullable Double value) {
        if (value == null) {
            statement.bindNull(parameter, Double.class);
        } else {
            statement.bind(parameter, value);
        }
    }

    private static LabRun run(Readable row) {
        return new LabRun(
                Objects.requireNonNull(row.get("id", UUID.class), "id"),
                new Experiment(
                        Strategy.of(CounterRows.text(row, "strategy")),
                        Isolation.of(CounterRows.text(row, "isolation")),
                        (int) CounterRows.number(row, "workers"),
                        CounterRows.number(row, "increments"),
                        (int) CounterRows.number(row, "counters")),
                State.of(CounterRows.text(row, "state")),
                CounterRows.is(row, "stopping"),
                CounterRows.number(row, "done"),
                CounterRows.time(row, "started_at"),
                CounterRows.timeOrNull(row, "finished_at"),
                row.get("stored", Long.class) == null ? null : result(row),
                row.get("problem", String.class));
    }

    private static LabRun.Result result(Readable row) {
        return new LabRun.Result(
                CounterRows.number(row, "acknowledged"),
                CounterRows.number(row, "stored"),
                CounterRows.number(row, "duplicate_rows"),
                CounterRows.number(row, "errors"),
                CounterRows.number(row, "retries"),
                Objects.requireNonNull(row.get("seconds", Double.class), "seconds"),
                row.get("p50_ms", Double.class),
                row.get("p99_ms", Double.class),
                CounterRows.is(row, "timed_out"));
    }
}
