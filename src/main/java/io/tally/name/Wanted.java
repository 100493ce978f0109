package io.tally.name;

/**
 * A name that somebody wants the id of.
 *
 * @param name how they spell it
 * @param creator random, or drawn from the request's key. The database stores it with a name that this request creates,
 *     so that a retry still finds the name {@code created}
 */
public record Wanted(NameKey key, String name, long creator) {}
