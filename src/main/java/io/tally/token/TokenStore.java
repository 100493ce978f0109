package io.tally.token;

import io.tally.counter.KeyedRequest;
import io.tally.idempotency.IdempotentResult;
import java.time.Duration;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;
import reactor.core.publisher.Mono;

/**
 * Where tokens are kept. Fails with {@link io.tally.pipeline.StoreFailure} only. Cancelling gives up the result, never
 * the operation.
 */
public interface TokenStore {

    /** How many texts are tried before the space of texts is taken for exhausted. */
    int TRIES_MAX = 32;

    /**
     * Issues a token with a text that no pending token of the namespace has; one that expired is not pending any more.
     *
     * @param texts a new one for each try
     * @param ttl {@code null}: it never expires
     * @param request {@code null} to issue one each time
     */
    Mono<IdempotentResult<Issued>> issue(
            String namespace, Supplier<String> texts, @Nullable Duration ttl, @Nullable KeyedRequest request);

    /**
     * Executes the pending token with that text: one of the callers that race does.
     *
     * @param request {@code null} to try each time
     */
    Mono<IdempotentResult<Execution>> execute(String namespace, String token, @Nullable KeyedRequest request);
}
