package io.tally.counter;

import org.jspecify.annotations.Nullable;

/**
 * An operation and, optionally, the idempotency key under which the client may retry it.
 *
 * @param fingerprint equal for two commands that request the same operation; 0 without a key
 */
public record Command(Operation operation, @Nullable IdempotencyKey key, long fingerprint) {

    /** An operation without a key: it counts each time. */
    public static Command of(Operation operation) {
        return new Command(operation, null, 0);
    }

    /** An operation that counts once per key; each time if {@code key} is {@code null}. */
    public static Command of(Operation operation, @Nullable IdempotencyKey key) {
        return key == null ? of(operation) : new Command(operation, key, Fingerprint.of(operation));
    }
}
