package io.tally.postgres;

import io.r2dbc.spi.Connection;
import io.tally.counter.KeyedRequest;
import io.tally.idempotency.IdempotentResult;
import io.tally.idempotency.IdempotentResult.Fresh;
import io.tally.idempotency.IdempotentResult.KeyReused;
import io.tally.idempotency.IdempotentResult.Replayed;
import io.tally.pipeline.StoreFailure.Kind;
import io.tally.pipeline.StoreRetry;
import java.time.Duration;
import java.util.Objects;
import java.util.function.Function;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;
import reactor.core.publisher.Mono;
import reactor.util.retry.Retry;
import tools.jackson.databind.json.JsonMapper;

/**
 * Work outside the lanes, in its own transaction. With a key it is done once: the same transaction stores the key and
 * the result. Cancelling drops the result, not the work.
 */
public final class IdempotentTransaction {
    /*
     * A transaction that was rolled back or never sent is always retried. A transaction in doubt is retried only with a
     * key. Two transactions with the same key collide on the row of the key: the second one is rolled back, and its
     * retry finds the key.
     */

    private static final Duration RETRY_MAX = Duration.ofSeconds(5);

    private static final JsonMapper JSON = JsonMapper.builder().build();

    private final Pool pool;

    IdempotentTransaction(Pool pool) {
        this.pool = pool;
    }

    /** The storage of the results of one kind of work. */
    public record Keeping<T>(Class<T> type, Predicate<T> isKept) {}

    /**
     * Runs the work, or replays its result. Fails with {@link io.tally.pipeline.StoreFailure}.
     *
     * @param request {@code null} to run the work each time
     * @param keeping which results are stored with the key: those of work that changed something
     */
    public <T> Mono<IdempotentResult<T>> run(
            @Nullable KeyedRequest request, Keeping<T> keeping, Function<Connection, Mono<T>> work) {
        return Mono.defer(() -> attempt(request, keeping, work)
                .retryWhen(retries(request != null, System.nanoTime() + RETRY_MAX.toNanos()))
                // The work continues after its subscriber cancelled.
                .cache());
    }

    private <T> Mono<IdempotentResult<T>> attempt(
            @Nullable KeyedRequest request, Keeping<T> keeping, Function<Connection, Mono<T>> work) {
        return pool.inTransaction(connection -> request == null
                ? work.apply(connection).map(Fresh::new)
                : known(connection, request, keeping)
                        .switchIfEmpty(Mono.defer(() -> fresh(connection, request, keeping, work))));
    }

    private static <T> Mono<IdempotentResult<T>> known(
            Connection connection, KeyedRequest request, Keeping<T> keeping) {
        return Statements.<IdempotentResult<T>>one(
                connection
                        .createStatement(CounterSql.KNOWN)
                        .bind("$1", new String[] {request.key().scope()})
                        .bind("$2", new String[] {request.key().text()}),
                row -> CounterRows.number(row, "fingerprint") == request.fingerprint()
                        ? new Replayed<>(result(Objects.requireNonNull(row.get("result", String.class)), keeping))
                        : new KeyReused<>());
    }

    private static <T> T result(String json, Keeping<T> keeping) {
        return JSON.readValue(json, keeping.type());
    }

    private static <T> Mono<IdempotentResult<T>> fresh(
            Connection connection, KeyedRequest request, Keeping<T> keeping, Function<Connection, Mono<T>> work) {
        return work.apply(connection)
                .flatMap(result -> keeping.isKept().test(result)
                        ? remember(connection, request, result).thenReturn(new Fresh<>(result))
                        : refused(connection, request, keeping, result));
    }

    /** The conflict may come from a concurrent request with the same key. */
    private static <T> Mono<IdempotentResult<T>> refused(
            Connection connection, KeyedRequest request, Keeping<T> keeping, T result) {
        return known(connection, request, keeping).defaultIfEmpty(new Fresh<>(result));
    }

    private static <T> Mono<Long> remember(Connection connection, KeyedRequest request, T result) {
        return Statements.rows(connection
                .createStatement(CounterSql.REMEMBER)
                .bind("$1", new String[] {request.key().scope()})
                .bind("$2", new String[] {request.key().text()})
                .bind("$3", new Long[] {request.fingerprint()})
                .bind("$4", new Long[] {null})
                .bind("$5", new Long[] {null})
                .bind("$6", new Long[] {null})
                .bind("$7", new String[] {JSON.writeValueAsString(result)}));
    }

    private static Retry retries(boolean isKeyed, long deadline) {
        return StoreRetry.write(failure -> mayBeSentAgain(failure.kind(), isKeyed) && System.nanoTime() - deadline < 0);
    }

    private static boolean mayBeSentAgain(Kind kind, boolean isKeyed) {
        return switch (kind) {
            case CONFLICT, UNAVAILABLE -> true;
            case UNKNOWN -> isKeyed;
            case BAD_OPERATION, UNSTORABLE, FENCED, BUSY, FATAL -> false;
        };
    }
}
