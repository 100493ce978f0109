package io.tally.idempotency;

import io.tally.counter.IdempotencyKey;
import io.tally.counter.Outcome;
import io.tally.counter.Outcome.KeyReused;
import io.tally.counter.Outcome.Replayed;
import io.tally.counter.Outcome.Success;
import org.jspecify.annotations.Nullable;

/**
 * The stored result of a request with an idempotency key.
 *
 * @param fingerprint the fingerprint of the request
 * @param result {@code null} for a request that is no operation on a counter
 */
public record IdempotencyRecord(
        IdempotencyKey key, long fingerprint, @Nullable Success result) {

    /** The outcome of a later request with this key. */
    public Outcome answer(long asked) {
        return asked == fingerprint && result != null ? new Replayed(result) : new KeyReused();
    }
}
