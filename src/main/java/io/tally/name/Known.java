package io.tally.name;

/**
 * A name that exists.
 *
 * @param name how the first who wanted it spelled it
 * @param id from 1, without gaps, in its namespace
 * @param creator see {@link Wanted}
 */
public record Known(String name, long id, long creator) {}
