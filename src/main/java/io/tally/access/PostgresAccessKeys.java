package io.tally.access;

import io.r2dbc.spi.Connection;
import io.r2dbc.spi.Readable;
import io.r2dbc.spi.Statement;
import io.tally.access.AccessKey.Secrets;
import io.tally.postgres.CounterRows;
import io.tally.postgres.Pool;
import io.tally.postgres.Statements;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.time.Instant;
import java.time.OffsetDateTime;
import java.time.ZoneOffset;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;
import reactor.core.publisher.Mono;

/** Access keys in PostgreSQL, on pooled connections. */
final class PostgresAccessKeys implements AccessKeyStore {

    private final Pool pool;
    private final GrantJson json;

    PostgresAccessKeys(Pool pool, GrantJson json) {
        this.pool = pool;
        this.json = json;
    }

    @Override
    public Mono<AccessKey> create(AccessKey key, KeyHash hash, int max) {
        return change(connection -> Statements.rows(
                        connection.createStatement(AccessKeySql.MAKE_ROOM).bind("$1", max))
                .then(Mono.defer(() -> insert(connection, key, hash, max))));
    }

    private Mono<AccessKey> insert(Connection connection, AccessKey key, KeyHash hash, int max) {
        Statement statement = connection
                .createStatement(AccessKeySql.CREATE)
                .bind("$1", key.id())
                .bind("$2", key.name())
                .bind("$3", json.write(key.grants()))
                .bind("$6", hash.bytes())
                .bind("$7", max);
        Integer perSecond = key.perSecond();
        Instant expiresAt = key.expiresAt();
        return one(bind(
                bind(statement, "$4", perSecond, Integer.class),
                "$5",
                expiresAt == null ? null : expiresAt.atOffset(ZoneOffset.UTC),
                OffsetDateTime.class));
    }

    private static <T> Statement bind(Statement statement, String parameter, @Nullable T value, Class<T> type) {
        return value == null ? statement.bindNull(parameter, type) : statement.bind(parameter, value);
    }

    @Override
    public Mono<AccessKey> find(String id) {
        return pool.read(
                connection -> one(connection.createStatement(AccessKeySql.FIND).bind("$1", id)));
    }

    @Override
    public Mono<List<AccessKey>> list(@Nullable String afterName, String afterId, int max) {
        return pool.read(connection -> Statements.all(
                connection
                        .createStatement(AccessKeySql.LIST)
                        .bind("$1", afterName == null ? "" : afterName)
                        .bind("$2", afterId)
                        .bind("$3", max),
                this::key));
    }

    @Override
    public Mono<AccessKey> rotate(String id, KeyHash hash, Duration grace) {
        return change(connection -> one(connection
                .createStatement(AccessKeySql.ROTATE)
                .bind("$1", id)
                .bind("$2", hash.bytes())
                .bind("$3", grace.toSeconds())));
    }

    @Override
    public Mono<AccessKey> revoke(String id) {
        return change(connection ->
                one(connection.createStatement(AccessKeySql.REVOKE).bind("$1", id)));
    }

    private Mono<AccessKey> change(Function<Connection, Mono<AccessKey>> work) {
        return pool.inTransaction(connection -> Statements.rows(connection.createStatement(AccessKeySql.CHANGE))
                .then(Mono.defer(() -> work.apply(connection))));
    }

    @Override
    public Mono<Void> used(Map<String, Instant> lastUses) {
        List<Map.Entry<String, Instant>> uses = List.copyOf(lastUses.entrySet());
        return pool.use(connection -> Statements.rows(connection
                        .createStatement(AccessKeySql.USED)
                        .bind("$1", uses.stream().map(Map.Entry::getKey).toArray(String[]::new))
                        .bind(
                                "$2",
                                uses.stream()
                                        .map(use -> use.getValue().atOffset(ZoneOffset.UTC))
                                        .toArray(OffsetDateTime[]::new))))
                .then();
    }

    @Override
    public Mono<Long> generation() {
        return pool.read(connection -> Statements.one(connection.createStatement(AccessKeySql.GENERATION), row -> {
            CounterRows.requirePrimary(row);
            return CounterRows.number(row, "generation");
        }));
    }

    @Override
    public Mono<List<Stored>> all() {
        return pool.read(connection -> Statements.all(
                connection.createStatement(AccessKeySql.ALL), row -> new Stored(key(row), secrets(row))));
    }

    private Mono<AccessKey> one(Statement statement) {
        return Statements.one(statement, this::key);
    }

    private AccessKey key(Readable row) {
        return new AccessKey(
                CounterRows.text(row, "id"),
                CounterRows.text(row, "name"),
                json.read(CounterRows.text(row, "grants")),
                row.get("per_second", Integer.class),
                CounterRows.time(row, "created_at"),
                CounterRows.timeOrNull(row, "expires_at"),
                CounterRows.timeOrNull(row, "last_used_at"),
                CounterRows.timeOrNull(row, "revoked_at"));
    }

    private static Secrets secrets(Readable row) {
        return new Secrets(
                Objects.requireNonNull(hash(row, "secret_hash")),
                hash(row, "previous_hash"),
                CounterRows.timeOrNull(row, "previous_until"));
    }

    private static @Nullable KeyHash hash(Readable row, String column) {
        ByteBuffer buffer = row.get(column, ByteBuffer.class);
        if (buffer == null) {
            return null;
        }
        byte[] bytes = new byte[buffer.remaining()];
        buffer.get(bytes);
        return KeyHash.stored(bytes);
    }
}
