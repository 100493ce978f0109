package io.tally.name;

/**
 * A name that exists.
 *
 * @param name as spelled by the request that created it
 * @param id from 1, without gaps, in its namespace
 * @param creator see {@link NameRequest}
 */
public record StoredName(String name, long id, long creator) {}
