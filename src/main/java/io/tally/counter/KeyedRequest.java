package io.tally.counter;

/**
 * A request with an idempotency key that is no operation on a counter.
 *
 * @param fingerprint equal for two requests with the same content
 */
public record KeyedRequest(IdempotencyKey key, long fingerprint) {

    /**
     * A request with a key.
     *
     * @param text the canonical text of the request, equal for all requests with the same content
     */
    public static KeyedRequest of(IdempotencyKey key, String text) {
        return new KeyedRequest(key, Fingerprint.of(text));
    }
}
