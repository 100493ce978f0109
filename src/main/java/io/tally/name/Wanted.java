package io.tally.name;

/**
 * A name that somebody wants the id of.
 *
 * @param name how they spell it
 * @param creator by chance, or drawn from the request's key: stored with a name that is made for them, so that they are told
 *     that they made it, however often it has to be tried
 */
public record Wanted(NameKey key, String name, long creator) {}
