package io.tally.postgres;

import io.r2dbc.postgresql.api.PostgresqlConnection;
import io.r2dbc.postgresql.api.PostgresqlStatement;
import io.r2dbc.spi.Readable;
import io.tally.counter.CounterId;
import io.tally.counter.IdempotencyKey;
import io.tally.counter.MemberId;
import io.tally.idempotency.IdempotencyRecord;
import io.tally.pipeline.CounterStore.Added;
import io.tally.pipeline.CounterStore.Decision;
import io.tally.pipeline.CounterStore.Fence;
import io.tally.pipeline.CounterStore.Keyed;
import io.tally.pipeline.CounterStore.KeyedValue;
import io.tally.pipeline.CounterStore.MemberMove;
import io.tally.pipeline.CounterStore.MoveResult;
import io.tally.pipeline.CounterStore.Reach;
import io.tally.pipeline.CounterStore.Settlement;
import io.tally.pipeline.CounterStore.Settlement.Committed;
import io.tally.pipeline.CounterStore.Settlement.NotCommitted;
import io.tally.pipeline.CounterStore.Settlement.WriterGone;
import io.tally.pipeline.CounterStore.Sum;
import io.tally.pipeline.CounterStore.VersionedValue;
import io.tally.pipeline.CounterStore.Writes;
import io.tally.pipeline.ReadSet;
import io.tally.pipeline.Resolution;
import io.tally.pipeline.Resolution.MemberChanges;
import io.tally.pipeline.StoreFailure;
import io.tally.pipeline.StoredState;
import java.security.SecureRandom;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;
import reactor.core.publisher.Mono;

/** The write side of one lane. */
final class PostgresWrites implements Writes {

    private static final VersionedValue NO_VALUE = new VersionedValue(0, 0);

    /** Random, not sequential: a database that lost its last writers must not assign their identities again. */
    private static final SecureRandom WRITERS = new SecureRandom();

    private final LaneConnection lane;
    private final String instance;
    private final int index;
    private final NewKeysAssumption newKeys = new NewKeysAssumption();
    private final ReusedStatements statements = new ReusedStatements();

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
        return lane.use(connection -> Statements.rows(connection
                .createStatement(CounterSql.REGISTER)
                .bind("$1", writer)
                .bind("$2", instance)
                .bind("$3", index)));
    }

    @Override
    public Mono<Added> add(Fence fence, List<Sum> sums, List<Keyed> keyed) {
        return lane.use(connection -> (keyed.isEmpty()
                        ? added(addition(connection, fence, sums))
                        : addKeyed(connection, fence, sums, keyed))
                .switchIfEmpty(Mono.error(SqlStates::fenced)));
    }

    private static Mono<Added> added(PostgresqlStatement statement) {
        return Statements.one(statement, PostgresWrites::added);
    }

    /** A statement that fails has applied nothing and has not used the fence, so the other one can use it. */
    private Mono<Added> addKeyed(PostgresqlConnection connection, Fence fence, List<Sum> sums, List<Keyed> keyed) {
        if (sums.stream().anyMatch(Sum::existing) || !newKeys.isAssumed()) {
            return added(keyed(connection, fence, sums, keyed));
        }
        return added(NewKeyRows.bind(fenced(connection, CounterSql.ADD_NEW_KEYS, fence), sums, keyed))
                .doOnNext(added -> newKeys.right())
                .onErrorResume(SqlStates::isKeyMaybeStored, failure -> {
                    newKeys.wrong();
                    return added(keyed(connection, fence, sums, keyed));
                });
    }

    /** Most sums create absent counters, and their statements are cheaper. */
    private PostgresqlStatement addition(PostgresqlConnection connection, Fence fence, List<Sum> sums) {
        if (sums.stream().anyMatch(Sum::existing)) {
            return addition(connection, CounterSql.ADD_TO_EXISTING, fence, sums).bind("$8", existing(sums));
        }
        return sums.size() == 1
                ? addition(connection, fence, sums.getFirst())
                : addition(connection, CounterSql.ADD, fence, sums);
    }

    private PostgresqlStatement addition(PostgresqlConnection connection, Fence fence, Sum sum) {
        PostgresqlStatement statement = fenced(connection, CounterSql.ADD_ONE, fence)
                .bind("$3", sum.counter().namespace())
                .bind("$4", sum.counter().name())
                .bind("$5", sum.delta())
                .bind("$6", (long) sum.operations());
        Reach reach = sum.reach();
        return reach == null
                ? statement.bindNull("$7", Long.class).bindNull("$8", Long.class)
                : statement.bind("$7", reach.lowest()).bind("$8", reach.highest());
    }

    private PostgresqlStatement keyed(PostgresqlConnection connection, Fence fence, List<Sum> sums, List<Keyed> keyed) {
        int size = keyed.size();
        Long[] positions = new Long[size];
        Long[] fingerprints = new Long[size];
        Long[] deltas = new Long[size];
        for (int i = 0; i < size; i++) {
            Keyed one = keyed.get(i);
            // SQL counts from 1.
            positions[i] = one.sum() + 1L;
            fingerprints[i] = one.fingerprint();
            deltas[i] = one.delta();
        }
        List<IdempotencyKey> keys = keyed.stream().map(Keyed::key).toList();
        return addition(connection, CounterSql.ADD_KEYED, fence, sums)
                .bind("$8", existing(sums))
                .bind("$9", positions)
                .bind("$10", KeyRows.scopes(keys))
                .bind("$11", KeyRows.texts(keys))
                .bind("$12", fingerprints)
                .bind("$13", deltas);
    }

    private PostgresqlStatement addition(PostgresqlConnection connection, String sql, Fence fence, List<Sum> sums) {
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
        return fenced(connection, sql, fence)
                .bind("$3", namespaces)
                .bind("$4", names)
                .bind("$5", deltas)
                .bind("$6", operations)
                .bind("$7", ReachJson.of(sums));
    }

    private static Boolean[] existing(List<Sum> sums) {
        return sums.stream().map(Sum::existing).toArray(Boolean[]::new);
    }

    private static Added added(Readable row) {
        return new Added(CounterRows.versionedValues(row, "outcome_values", "outcome_versions"), keyedValues(row));
    }

    private static List<@Nullable KeyedValue> keyedValues(Readable row) {
        List<@Nullable VersionedValue> values =
                CounterRows.versionedValues(row, "outcome_key_values", "outcome_key_versions");
        if (values.isEmpty()) {
            return List.of();
        }
        @Nullable
        Long[] known =
                Objects.requireNonNull(row.get("outcome_key_fingerprints", Long[].class), "outcome_key_fingerprints");
        List<@Nullable KeyedValue> keyed = new ArrayList<>(values.size());
        for (int i = 0; i < known.length; i++) {
            keyed.add(keyedValue(values.get(i), known[i]));
        }
        return keyed;
    }

    private static @Nullable KeyedValue keyedValue(@Nullable VersionedValue after, @Nullable Long known) {
        // A key of another operation has a fingerprint and no value.
        return after == null && known == null ? null : new KeyedValue(after == null ? NO_VALUE : after, known);
    }

    @Override
    public Mono<MoveResult> move(Fence fence, List<CounterId> counters, List<MemberMove> moves) {
        return lane.use(connection -> Statements.one(
                        MemberRows.bind(fenced(connection, MemberSql.MOVE, fence), counters, moves), MemberRows::result)
                .switchIfEmpty(Mono.error(SqlStates::fenced)));
    }

    @Override
    public Mono<StoredState> read(ReadSet rows) {
        return lane.use(connection -> Statements.all(
                        connection
                                .createStatement(CounterSql.READ)
                                .bind("$1", CounterRows.namespaces(rows.counters()))
                                .bind("$2", CounterRows.names(rows.counters())),
                        LockedRows.Locked::onPrimary)
                .map(LockedRows::of)
                .flatMap(found -> known(connection, rows.keys())
                        .map(known -> new StoredState(found.counters(), Set.of(), known, found.time()))));
    }

    @Override
    public Mono<Resolution> resolve(Fence fence, ReadSet readSet, Decision decision) {
        return lane.use(connection -> connection
                .beginTransaction()
                .then(lock(connection, CounterSql.LOCK, fence, readSet))
                .flatMap(locked -> decide(connection, locked, readSet, decision))
                .flatMap(decided ->
                        decided.createsUnlocked() ? restart(connection, fence, readSet, decision) : Mono.just(decided))
                .flatMap(decided -> write(connection, fence, decided))
                .onErrorResume(failure -> rollBack(connection, SqlStates.inFlight(failure))));
    }

    /** Starts again where counters have to be created: they are locked in order, between those that exist. */
    private Mono<LockedResolution> restart(
            PostgresqlConnection connection, Fence fence, ReadSet readSet, Decision decision) {
        return connection
                .rollbackTransaction()
                .then(Mono.defer(connection::beginTransaction))
                .then(Mono.defer(() -> lock(connection, CounterSql.CLAIM, fence, readSet)))
                .flatMap(locked -> decide(connection, locked, readSet, decision));
    }

    private Mono<LockedRows> lock(PostgresqlConnection connection, String sql, Fence fence, ReadSet readSet) {
        return Statements.all(
                        fenced(connection, sql, fence)
                                .bind("$3", CounterRows.namespaces(readSet.counters()))
                                .bind("$4", CounterRows.names(readSet.counters())),
                        LockedRows.Locked::of)
                .map(LockedRows::of);
    }

    private static Mono<LockedResolution> decide(
            PostgresqlConnection connection, LockedRows locked, ReadSet readSet, Decision decision) {
        // A connection carries out one statement at a time, so these follow each other.
        return present(connection, readSet.members())
                .flatMap(members -> known(connection, readSet.keys())
                        .map(known -> new StoredState(locked.counters(), members, known, locked.time())))
                .map(states -> new LockedResolution(locked, decision.decide(states)));
    }

    private static Mono<Set<MemberId>> present(PostgresqlConnection connection, Collection<MemberId> members) {
        return members.isEmpty()
                ? Mono.just(Set.of())
                : MemberRows.bind(connection.createStatement(MemberSql.PRESENT), members)
                        .execute()
                        .concatMap(result -> result.map((row, metadata) -> MemberRows.id(row)))
                        .collect(Collectors.toSet());
    }

    private static Mono<Map<IdempotencyKey, IdempotencyRecord>> known(
            PostgresqlConnection connection, Collection<IdempotencyKey> keys) {
        return keys.isEmpty()
                ? Mono.just(Map.of())
                : connection
                        .createStatement(CounterSql.KNOWN)
                        .bind("$1", KeyRows.scopes(keys))
                        .bind("$2", KeyRows.texts(keys))
                        .execute()
                        .concatMap(result -> result.map((row, metadata) -> KeyRows.remembered(row)))
                        .collectMap(IdempotencyRecord::key);
    }

    private Mono<Resolution> write(PostgresqlConnection connection, Fence fence, LockedResolution decided) {
        Resolution resolution = decided.resolution();
        if (resolution.isEmpty()) {
            return connection.rollbackTransaction().thenReturn(resolution);
        }
        return Statements.rows(decided.bind(fenced(connection, CounterSql.WRITE, fence)))
                .flatMap(rows -> rows == 1 ? store(connection, resolution.records()) : Mono.error(SqlStates.fenced()))
                .then(Mono.defer(() -> recordRemoved(connection, decided)))
                .then(Mono.defer(() -> endPeriods(connection, decided)))
                .then(Mono.defer(() -> empty(connection, resolution.members())))
                .then(Mono.defer(() -> applyMembership(connection, resolution.members())))
                .then(Mono.defer(connection::commitTransaction))
                .thenReturn(resolution);
    }

    private static Mono<Long> store(PostgresqlConnection connection, List<IdempotencyRecord> fresh) {
        return fresh.isEmpty()
                ? Mono.just(0L)
                : Statements.rows(KeyRows.bind(connection.createStatement(CounterSql.REMEMBER), fresh));
    }

    private static Mono<Long> recordRemoved(PostgresqlConnection connection, LockedResolution decided) {
        return decided.bindRemoved(() -> connection.createStatement(CounterSql.REMOVED))
                .map(Statements::rows)
                .orElse(Mono.just(0L));
    }

    private static Mono<Long> endPeriods(PostgresqlConnection connection, LockedResolution decided) {
        return decided.bindEnded(() -> connection.createStatement(CounterSql.END_PERIODS))
                .map(Statements::rows)
                .orElse(Mono.just(0L));
    }

    private static Mono<Long> empty(PostgresqlConnection connection, MemberChanges changes) {
        return changes.emptied().isEmpty()
                ? Mono.just(0L)
                : Statements.rows(connection
                        .createStatement(MemberSql.EMPTY)
                        .bind("$1", CounterRows.namespaces(changes.emptied()))
                        .bind("$2", CounterRows.names(changes.emptied())));
    }

    private static Mono<Long> applyMembership(PostgresqlConnection connection, MemberChanges changes) {
        return changes.left().isEmpty() && changes.joined().isEmpty()
                ? Mono.just(0L)
                : Statements.rows(MemberRows.bind(connection.createStatement(MemberSql.APPLY_MEMBERSHIP), changes));
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
        return lane.use(connection -> Statements.rows(fenced(connection, CounterSql.SKIP_SEQUENCE, fence)))
                .flatMap(skipped -> skipped == 1
                        ? Mono.just(new NotCommitted())
                        : lane.use(connection -> outcome(connection, fence)));
    }

    private static Mono<Settlement> outcome(PostgresqlConnection connection, Fence fence) {
        return Statements.one(
                        connection.createStatement(CounterSql.OUTCOME).bind("$1", fence.writer()),
                        row -> settlement(row, fence))
                .defaultIfEmpty(new WriterGone());
    }

    private static Settlement settlement(Readable row, Fence fence) {
        // After a restore the sequence differs: the row says nothing about this batch.
        if (CounterRows.number(row, "sequence") != fence.sequence()) {
            return new WriterGone();
        }
        return row.get("outcome_values", Long[].class) == null
                ? new NotCommitted()
                : new Committed(added(row), MemberRows.result(row));
    }

    @Override
    public Mono<Void> retire(long writer) {
        return lane.use(connection -> Statements.rows(
                        connection.createStatement(CounterSql.RETIRE).bind("$1", writer)))
                .then();
    }

    @Override
    public Mono<Void> probe() {
        return lane.probe();
    }

    @Override
    public Mono<Void> close() {
        return lane.close();
    }

    private PostgresqlStatement fenced(PostgresqlConnection connection, String sql, Fence fence) {
        return statements.of(connection, sql).bind("$1", fence.writer()).bind("$2", fence.sequence());
    }
}
