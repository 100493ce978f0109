package io.tally.counter;

/**
 * The idempotency key of a request: the service applies requests with the same key once.
 *
 * @param scope the scope in which the text is unique: a namespace, or {@link #TRANSACTIONS}, {@link #INCREMENTS} or
 *     {@link #LAB_RUNS}, each followed by the id of the caller where callers have one
 * @param text 1 to 255 visible US-ASCII characters; for a line of an upload, followed by a slash and the number of the
 *     line
 * @see <a href="https://datatracker.ietf.org/doc/draft-ietf-httpapi-idempotency-key-header/">The Idempotency-Key HTTP
 *     header field</a>
 */
public record IdempotencyKey(String scope, String text) {

    /** The scope of transactions, which may span namespaces. No namespace has this name. */
    public static final String TRANSACTIONS = "/transactions";

    /** The scope of requests with many increments, which may span namespaces. No namespace has this name. */
    public static final String INCREMENTS = "/increments";

    /** The scope of runs of the lab. No namespace has this name. */
    public static final String LAB_RUNS = "/lab/runs";

    /** The maximum length of a key from a client. */
    public static final int LENGTH_MAX = 255;

    /**
     * The key that a client sent.
     *
     * @throws IllegalArgumentException with a message for the caller if it is malformed
     */
    public static IdempotencyKey of(String scope, String text) {
        if (text.isEmpty() || text.length() > LENGTH_MAX || !text.chars().allMatch(c -> c > ' ' && c < 0x7F)) {
            throw new IllegalArgumentException(
                    "An idempotency key must have 1 to " + LENGTH_MAX + " visible US-ASCII characters.");
        }
        return new IdempotencyKey(scope, text);
    }

    /** The key of one line of an upload with this key. */
    public IdempotencyKey line(long number) {
        return new IdempotencyKey(scope, text + "/" + number);
    }

    /** A uniformly distributed 64-bit hash of the key. */
    public long digest() {
        return Fingerprint.of(scope + "\n" + text);
    }
}
