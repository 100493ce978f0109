package io.tally.counter;

import java.time.Instant;

/**
 * The current period of a counter, at whose end the value becomes the initial value again.
 *
 * @param recurrence the rule of the periods
 * @param start the start of this period, included
 * @param end the end of this period, excluded
 * @param firstVersion the version of the counter at the start of this period; 0 if the counter was created in it
 */
public record Period(Recurrence recurrence, Instant start, Instant end, long firstVersion) {

    /** The period of a rule at that time. */
    public static Period at(Instant now, Recurrence recurrence, long firstVersion) {
        long index = recurrence.indexAt(now);
        return new Period(recurrence, recurrence.start(index), recurrence.start(index + 1), firstVersion);
    }

    /** Whether the period has ended. Before its start it has not: a counter never goes back to an earlier period. */
    public boolean isOver(Instant now) {
        return !end.isAfter(now);
    }

    /**
     * The period at that time, after the end of this one.
     *
     * @param version the last version in this period; each period since then raises it by one
     */
    Period next(Instant now, long version) {
        long begun = 1 + recurrence.indexAt(now) - recurrence.indexAt(end);
        return at(now, recurrence, version + begun);
    }

    /** The same period with the rule and the end of another. */
    public Period until(Period other) {
        return new Period(other.recurrence, start, other.end, firstVersion);
    }
}
