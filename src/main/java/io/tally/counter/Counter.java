package io.tally.counter;

import java.time.Instant;
import org.jspecify.annotations.Nullable;

/**
 * The state of a counter.
 *
 * @param version 1 at its creation; grows by one for each applied operation, and by one for each period begun
 * @param initial the initial value, within {@code bounds}; 0 for a counter of members
 * @param period the current period, or {@code null} if the counter has none
 * @param expiresAt the time from which the counter does not exist, or {@code null} if it does not expire
 * @param createdAt the time of creation, by the clock of the database
 * @param updatedAt the time of the last applied operation or of the start of a period, by the clock of the database
 */
public record Counter(
        CounterId id,
        Kind kind,
        long value,
        long version,
        long initial,
        Bounds bounds,
        @Nullable Period period,
        @Nullable Instant expiresAt,
        Instant createdAt,
        Instant updatedAt) {

    /** A counter without periods that does not expire. */
    public Counter(
            CounterId id,
            Kind kind,
            long value,
            long version,
            long initial,
            Bounds bounds,
            Instant createdAt,
            Instant updatedAt) {
        this(id, kind, value, version, initial, bounds, null, null, createdAt, updatedAt);
    }

    /** Whether the counter no longer exists at that time. */
    public boolean isExpired(Instant now) {
        return expiresAt != null && !expiresAt.isAfter(now);
    }

    /** Whether the period of the stored state has ended at that time. */
    public boolean isPeriodOver(Instant now) {
        return period != null && period.isOver(now);
    }

    /** Whether an operation was applied in the period of this state. */
    public boolean hasUsedPeriod() {
        return period != null && version > period.firstVersion();
    }

    /** The state at that time, after the stored state; {@code null} if the counter has expired. */
    public @Nullable Counter at(Instant now) {
        if (isExpired(now)) {
            return null;
        }
        return period != null && period.isOver(now) ? in(period.next(now, version)) : this;
    }

    private Counter in(Period begun) {
        return new Counter(
                id, kind, initial, begun.firstVersion(), initial, bounds, begun, expiresAt, createdAt, begun.start());
    }
}
