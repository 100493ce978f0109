package io.tally.token;

import io.tally.counter.KeyedRequest;
import io.tally.idempotency.IdempotentResult;
import java.time.Duration;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;
import reactor.core.publisher.Mono;

/**
 * The store of tokens. Fails with {@link io.tally.pipeline.StoreFailure} only. Cancelling drops the result, not the
 * operation.
 */
public interface TokenStore {

    /** The maximum of tries before the token space counts as exhausted. */
    int TRIES_MAX = 32;

    /**
     * Issues a token with a text that no pending token of the namespace has; an expired token is not pending.
     *
     * @param texts supplies a new text for each try
     * @param ttl {@code null} for no expiry
     * @param request {@code null} to issue a token each time
     */
    Mono<IdempotentResult<Issued>> issue(
            String namespace, Supplier<String> texts, @Nullable Duration ttl, @Nullable KeyedRequest request);

    /**
     * Executes the pending token with that text; of concurrent callers, exactly one executes it.
     *
     * @param request {@code null} to execute without an idempotency key
     */
    Mono<IdempotentResult<Execution>> execute(String namespace, String token, @Nullable KeyedRequest request);
}
