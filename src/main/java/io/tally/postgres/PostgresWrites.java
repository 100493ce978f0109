package io.tally.postgres;

import io.r2dbc.postgresql.api.PostgresqlConnection;
import io.r2dbc.postgresql.api.PostgresqlResult;
import io.r2dbc.postgresql.api.PostgresqlStatement;
import io.r2dbc.spi.Readable;
import io.r2dbc.spi.Row;
import io.tally.counter.Counter;
import io.tally.counter.CounterId;
import io.tally.pipeline.CounterStore.Added;
import io.tally.pipeline.CounterStore.Decision;
import io.tally.pipeline.CounterStore.Fence;
import io.tally.pipeline.CounterStore.Level;
import io.tally.pipeline.CounterStore.Settlement;
import io.tally.pipeline.CounterStore.Settlement.Committed;
import io.tally.pipeline.CounterStore.Settlement.NotCommitted;
import io.tally.pipeline.CounterStore.Settlement.WriterGone;
import io.tally.pipeline.CounterStore.Sum;
import io.tally.pipeline.CounterStore.Writes;
import io.tally.pipeline.Resolution;
import io.tally.pipeline.Resolution.Change;
import io.tally.pipeline.States;
import io.tally.pipeline.StoreFailure;
import io.tally.pipeline.StoreFailure.Cause;
import io.tally.pipeline.StoreFailure.Kind;
import java.math.BigDecimal;
import java.math.BigInteger;
import java.security.SecureRandom;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;
import reactor.core.publisher.Mono;

/** The write side of one lane. */
final class PostgresWrites implements Writes {

    /** By chance and not in turn: a database that forgot its last writers must not give their names to others. */
    private static final SecureRandom WRITERS = new SecureRandom();

    private final LaneConnection lane;
    private final String instance;
    private final int index;

    PostgresWrites(LaneConnection lane, String instance, int index) {
        this.lane = lane;
        this.instance = instance;
        this.index = index;
    }

    @Override
    public Mono<Long> register() {
        return Mono.fromSupplier(() -> WRITERS.nextLong(1, Long.MAX_VALUE)).delayUntil(this::register);
    }

    private Mono<Long> register(long writer) {
        return lane.use(connection -> rows(connection
                .createStatement(CounterSql.REGISTER)
                .bind("$1", writer)
                .bind("$2", instance)
                .bind("$3", index)));
    }

    @Override
    public Mono<Added> add(Fence fence, List<Sum> sums) {
        return lane.use(connection -> one(addition(connection, fence, sums), PostgresWrites::added)
                .switchIfEmpty(Mono.error(PostgresWrites::fenced)));
    }

    private static PostgresqlStatement addition(PostgresqlConnection connection, Fence fence, List<Sum> sums) {
        int size = sums.size();
        String[] namespaces = new String[size];
        String[] names = new String[size];
        Long[] deltas = new Long[size];
        Long[] operations = new Long[size];
        for (int i = 0; i < size; i++) {
            Sum sum = sums.get(i);
            namespaces[i] = sum.counter().namespace();
            names[i] = sum.counter().name();
            deltas[i] = sum.delta();
            operations[i] = (long) sum.operations();
        }
        return fenced(connection, CounterSql.ADD, fence)
                .bind("$3", namespaces)
                .bind("$4", names)
                .bind("$5", deltas)
                .bind("$6", operations);
    }

    private static Added added(Readable row) {
        Long[] values = row.get("outcome_values", Long[].class);
        Long[] versions = row.get("outcome_versions", Long[].class);
        if (values == null || versions == null) {
            return new Added(List.of());
        }
        List<@Nullable Level> levels = new ArrayList<>(values.length);
        for (int i = 0; i < values.length; i++) {
            levels.add(values[i] == null ? null : new Level(values[i], versions[i]));
        }
        return new Added(levels);
    }

    @Override
    public Mono<Resolution> resolve(Fence fence, List<CounterId> counters, Decision decision) {
        return lane.use(connection -> connection
                .beginTransaction()
                .then(lock(connection, fence, counters))
                .map(decision::decide)
                .flatMap(resolution -> carryOut(connection, fence, resolution))
                .onErrorResume(failure -> rollBack(connection, SqlStates.inFlight(failure))));
    }

    private static Mono<States> lock(PostgresqlConnection connection, Fence fence, List<CounterId> counters) {
        return fenced(connection, CounterSql.LOCK, fence)
                .bind("$3", CounterRows.namespaces(counters))
                .bind("$4", CounterRows.names(counters))
                .execute()
                .concatMap(result -> result.map((row, metadata) -> Locked.of(row)))
                .collectList()
                .map(PostgresWrites::states);
    }

    private static States states(List<Locked> rows) {
        Map<CounterId, Counter> counters = new HashMap<>();
        for (Locked row : rows) {
            if (row.counter() != null) {
                counters.put(row.counter().id(), row.counter());
            }
        }
        return new States(counters, rows.getFirst().time());
    }

    private static Mono<Resolution> carryOut(PostgresqlConnection connection, Fence fence, Resolution resolution) {
        if (resolution.operations() == 0) {
            return connection.rollbackTransaction().thenReturn(resolution);
        }
        return rows(change(connection, fence, resolution))
                .flatMap(rows -> rows == 1 ? connection.commitTransaction() : Mono.error(fenced()))
                .thenReturn(resolution);
    }

    private static PostgresqlStatement change(PostgresqlConnection connection, Fence fence, Resolution resolution) {
        List<Change> changes = resolution.changes();
        int size = changes.size();
        String[] whats = new String[size];
        @Nullable String[] kinds = new String[size];
        @Nullable Long[] values = new Long[size];
        @Nullable Long[] versions = new Long[size];
        @Nullable Long[] mins = new Long[size];
        @Nullable Long[] maxs = new Long[size];
        Boolean[] anew = new Boolean[size];
        BigInteger delta = BigInteger.ZERO;
        for (int i = 0; i < size; i++) {
            Change change = changes.get(i);
            Counter before = change.before();
            Counter after = change.after();
            delta = delta.add(change.delta());
            anew[i] = before != null && after != null && !before.createdAt().equals(after.createdAt());
            if (after == null) {
                whats[i] = "remove";
            } else {
                whats[i] = before == null ? "make" : "change";
                kinds[i] = after.kind().label();
                values[i] = after.value();
                versions[i] = after.version();
                mins[i] = after.bounds().min();
                maxs[i] = after.bounds().max();
            }
        }
        List<CounterId> ids = changes.stream().map(Change::counter).toList();
        return fenced(connection, CounterSql.WRITE, fence)
                .bind("$3", CounterRows.namespaces(ids))
                .bind("$4", CounterRows.names(ids))
                .bind("$5", whats)
                .bind("$6", values)
                .bind("$7", versions)
                .bind("$8", mins)
                .bind("$9", maxs)
                .bind("$10", anew)
                .bind("$11", (long) resolution.operations())
                .bind("$12", new BigDecimal(delta))
                .bind("$13", kinds);
    }

    private static <T> Mono<T> rollBack(PostgresqlConnection connection, StoreFailure failure) {
        Mono<T> failed = Mono.error(failure);
        return SqlStates.breaksConnection(failure)
                ? failed
                : connection
                        .rollbackTransaction()
                        .onErrorMap(SqlStates::inFlight)
                        .then(failed);
    }

    @Override
    public Mono<Settlement> settle(Fence fence) {
        return lane.use(connection -> rows(fenced(connection, CounterSql.BURN, fence)))
                .flatMap(burnt -> burnt == 1
                        ? Mono.just(new NotCommitted())
                        : lane.use(connection -> outcome(connection, fence)));
    }

    private static Mono<Settlement> outcome(PostgresqlConnection connection, Fence fence) {
        return one(
                        connection.createStatement(CounterSql.OUTCOME).bind("$1", fence.writer()),
                        row -> settlement(row, fence))
                .defaultIfEmpty(new WriterGone());
    }

    private static Settlement settlement(Readable row, Fence fence) {
        // A writer that stands elsewhere was put there by a restore: it says nothing of this batch.
        if (CounterRows.number(row, "sequence") != fence.sequence()) {
            return new WriterGone();
        }
        return row.get("outcome_values", Long[].class) == null ? new NotCommitted() : new Committed(added(row));
    }

    @Override
    public Mono<Void> retire(long writer) {
        return lane.use(connection ->
                        rows(connection.createStatement(CounterSql.RETIRE).bind("$1", writer)))
                .then();
    }

    @Override
    public Mono<Void> close() {
        return lane.close();
    }

    private static PostgresqlStatement fenced(PostgresqlConnection connection, String sql, Fence fence) {
        return connection.createStatement(sql).bind("$1", fence.writer()).bind("$2", fence.sequence());
    }

    private static StoreFailure fenced() {
        return new StoreFailure(Kind.FENCED, Cause.CONNECTION, "the writer's row is not where the fence says");
    }

    /** The one row, if there is one, when the statement has completed and so is committed. */
    private static <T> Mono<T> one(PostgresqlStatement statement, Function<Row, T> mapping) {
        // Rows come before the commit. A list is complete only after the server has said that it is ready again.
        return statement
                .execute()
                .concatMap(result -> result.map((row, metadata) -> mapping.apply(row)))
                .collectList()
                .flatMap(rows -> rows.isEmpty() ? Mono.empty() : Mono.just(rows.getFirst()));
    }

    private static Mono<Long> rows(PostgresqlStatement statement) {
        return statement
                .execute()
                .concatMap(PostgresqlResult::getRowsUpdated)
                .collectList()
                .map(counts -> counts.stream().mapToLong(Long::longValue).sum());
    }

    /** A row of the lock statement. */
    private record Locked(java.time.Instant time, @Nullable Counter counter) {

        static Locked of(Row row) {
            if (row.get("guarded", Long.class) == null) {
                throw fenced();
            }
            return new Locked(CounterRows.time(row, "transaction_time"), CounterRows.counter(row));
        }
    }
}
