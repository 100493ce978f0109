package io.tally.counter;

import java.time.Instant;

/**
 * The state of a counter.
 *
 * @param version 1 at its creation; grows by one for each applied operation
 * @param initial the initial value, within {@code bounds}; 0 for a counter of members
 * @param createdAt the time of creation, by the clock of the database
 * @param updatedAt the time of the last applied operation, by the clock of the database
 */
public record Counter(
        CounterId id,
        Kind kind,
        long value,
        long version,
        long initial,
        Bounds bounds,
        Instant createdAt,
        Instant updatedAt) {}
