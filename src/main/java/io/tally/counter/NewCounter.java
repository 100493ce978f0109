package io.tally.counter;

import org.jspecify.annotations.Nullable;

/**
 * The state that a plain counter begins with.
 *
 * @param initial the initial value, within {@code bounds}
 * @param recurrence the rule of its periods, or {@code null} if it has none
 * @param expiry when it expires, or {@code null} if it does not
 */
public record NewCounter(
        long initial,
        Bounds bounds,
        @Nullable Recurrence recurrence,
        @Nullable Expiry expiry) {

    /** The value 0 without bounds. */
    public static final NewCounter DEFAULT = new NewCounter(0, Bounds.NONE);

    /**
     * Checks the initial value.
     *
     * @throws IllegalArgumentException with a message for the caller if the bounds exclude it
     */
    public NewCounter {
        bounds.requireInitial(initial);
    }

    /** A counter without periods that does not expire. */
    public NewCounter(long initial, Bounds bounds) {
        this(initial, bounds, null, null);
    }
}
