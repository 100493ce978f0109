package io.tally.idempotency;

import io.tally.counter.IdempotencyKey;
import reactor.core.publisher.Mono;

/** Looks for idempotency records. Fails with {@link io.tally.pipeline.StoreFailure} only; a replica fails. */
public interface StoredKeys {

    /** Whether there is a record of a request with this key. */
    Mono<Boolean> hasRequest(IdempotencyKey key);

    /** Whether there is a record of a line of an upload with this key. */
    Mono<Boolean> hasLine(IdempotencyKey key);

    /** Whether there is a record in a scope. */
    Mono<Boolean> hasAny(String scope);
}
