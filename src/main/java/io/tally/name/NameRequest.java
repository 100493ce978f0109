package io.tally.name;

import io.tally.counter.Naming;

/**
 * A request for the id of a name.
 *
 * @param name as the client spells it
 * @param creator random, or derived from the request's idempotency key. It is stored with a name that this request
 *     creates, so that a retry finds the name and still reports {@code created}
 */
public record NameRequest(NameKey key, String name, long creator) {
    /**
     * Checks that the name may be made.
     *
     * @throws IllegalArgumentException with a message for the caller if it may not
     */
    public NameRequest {
        Naming.requireReachable(name);
    }
}
