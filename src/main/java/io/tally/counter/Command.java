package io.tally.counter;

import org.jspecify.annotations.Nullable;

/**
 * An operation as it is handed in: with the key that makes it safe to hand in again, where there is one.
 *
 * @param fingerprint tells whether another command under the same key asks for the same; 0 without a key
 */
public record Command(Operation operation, @Nullable IdempotencyKey key, long fingerprint) {

    /** An operation that counts each time. */
    public static Command of(Operation operation) {
        return new Command(operation, null, 0);
    }

    /** An operation that counts once, however often it is handed in; each time where {@code key} is {@code null}. */
    public static Command of(Operation operation, @Nullable IdempotencyKey key) {
        return key == null ? of(operation) : new Command(operation, key, Fingerprint.of(operation));
    }
}
