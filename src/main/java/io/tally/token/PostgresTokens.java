package io.tally.token;

import io.r2dbc.spi.Connection;
import io.r2dbc.spi.Statement;
import io.tally.counter.KeyedRequest;
import io.tally.idempotency.IdempotentResult;
import io.tally.postgres.CounterRows;
import io.tally.postgres.IdempotentTransaction;
import io.tally.postgres.IdempotentTransaction.Keeping;
import io.tally.postgres.Statements;
import io.tally.shard.PerShard;
import io.tally.token.Execution.Result;
import java.time.Duration;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;
import reactor.core.publisher.Mono;

/** Tokens in PostgreSQL. */
final class PostgresTokens implements TokenStore {

    private static final Keeping<Issued> ISSUED = new Keeping<>(Issued.class, issued -> issued.token() != null);
    private static final Keeping<Execution> EXECUTED =
            new Keeping<>(Execution.class, execution -> execution.result() == Result.EXECUTED);

    private final PerShard<IdempotentTransaction> work;

    PostgresTokens(PerShard<IdempotentTransaction> work) {
        this.work = work;
    }

    @Override
    public Mono<IdempotentResult<Issued>> issue(
            String namespace, Supplier<String> texts, @Nullable Duration ttl, @Nullable KeyedRequest request) {
        Long ttlSeconds = ttl == null ? null : ttl.toSeconds();
        return work.of(namespace)
                .run(
                        request,
                        ISSUED,
                        connection -> Mono.defer(() -> issue(connection, namespace, texts.get(), ttlSeconds))
                                // Empty if the text is taken: tries further texts until one is free.
                                .repeat(TRIES_MAX - 1)
                                .next()
                                .defaultIfEmpty(Issued.EXHAUSTED));
    }

    private static Mono<Issued> issue(Connection connection, String namespace, String text, @Nullable Long ttlSeconds) {
        Statement statement =
                connection.createStatement(TokenSql.ISSUE).bind("$1", namespace).bind("$2", text);
        return Statements.one(
                ttlSeconds == null ? statement.bindNull("$3", Long.class) : statement.bind("$3", ttlSeconds),
                row -> new Issued(text, CounterRows.timeOrNull(row, "expires_at")));
    }

    @Override
    public Mono<IdempotentResult<Execution>> execute(String namespace, String token, @Nullable KeyedRequest request) {
        return work.of(namespace)
                .run(
                        request,
                        EXECUTED,
                        connection -> executed(connection, namespace, token)
                                .switchIfEmpty(Mono.defer(() -> notExecuted(connection, namespace, token))));
    }

    private static Mono<Execution> executed(Connection connection, String namespace, String token) {
        return Statements.one(
                connection
                        .createStatement(TokenSql.EXECUTE)
                        .bind("$1", namespace)
                        .bind("$2", token),
                row -> new Execution(Result.EXECUTED, CounterRows.timeOrNull(row, "executed_at")));
    }

    private static Mono<Execution> notExecuted(Connection connection, String namespace, String token) {
        return Statements.one(
                connection
                        .createStatement(TokenSql.EXECUTED_BEFORE)
                        .bind("$1", namespace)
                        .bind("$2", token),
                row -> new Execution(CounterRows.is(row, "executed") ? Result.EXECUTED_BEFORE : Result.ABSENT, null));
    }
}
