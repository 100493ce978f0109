package io.tally.counter;

/**
 * A request beside the counters' operations that is to be done once.
 *
 * @param fingerprint tells whether another request under the same key asks for the same
 */
public record KeyedRequest(IdempotencyKey key, long fingerprint) {

    /**
     * A request under a key.
     *
     * @param text what is asked for, in the one spelling that all who ask for the same have
     */
    public static KeyedRequest of(IdempotencyKey key, String text) {
        return new KeyedRequest(key, Fingerprint.of(text));
    }
}
