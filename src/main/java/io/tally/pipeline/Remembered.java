package io.tally.pipeline;

import io.tally.counter.IdempotencyKey;
import io.tally.counter.Outcome;
import io.tally.counter.Outcome.KeyReused;
import io.tally.counter.Outcome.Replayed;
import io.tally.counter.Outcome.Success;

/**
 * What was done under a key.
 *
 * @param fingerprint of what was asked for
 */
public record Remembered(IdempotencyKey key, long fingerprint, Success result) {

    /** The answer to whoever asks for something under this key now. */
    Outcome answer(long asked) {
        return asked == fingerprint ? new Replayed(result) : new KeyReused();
    }
}
