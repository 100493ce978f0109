package io.tally.idempotency;

import io.tally.counter.IdempotencyKey;
import io.tally.counter.Outcome;
import io.tally.counter.Outcome.KeyReused;
import io.tally.counter.Outcome.Replayed;
import io.tally.counter.Outcome.Success;
import org.jspecify.annotations.Nullable;

/**
 * What was done under a key.
 *
 * @param fingerprint of what was asked for
 * @param result {@code null} if it was no operation on a counter
 */
public record IdempotencyRecord(
        IdempotencyKey key, long fingerprint, @Nullable Success result) {

    /** The answer to whoever asks for something under this key now. */
    public Outcome answer(long asked) {
        return asked == fingerprint && result != null ? new Replayed(result) : new KeyReused();
    }
}
