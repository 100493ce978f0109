package io.tally.counter;

import java.time.Instant;

/**
 * The state of a counter.
 *
 * @param version 1 when made; grows by one for each operation applied
 * @param createdAt when this counter was made, by the database's clock
 * @param updatedAt when the last operation was applied, by the database's clock
 */
public record Counter(
        CounterId id, Kind kind, long value, long version, Bounds bounds, Instant createdAt, Instant updatedAt) {}
