package io.tally.counter;

import org.jspecify.annotations.Nullable;

/**
 * The range of a counter's value, both ends included.
 *
 * @param min the minimum, or {@code null} if there is none
 * @param max the maximum, or {@code null} if there is none
 */
public record Bounds(@Nullable Long min, @Nullable Long max) {

    /** Only the bounds of 64 bits. */
    public static final Bounds NONE = new Bounds(null, null);

    /**
     * Checks that the range is not empty.
     *
     * @throws IllegalArgumentException if {@code min} is greater than {@code max}
     */
    public Bounds {
        if (min != null && max != null && min > max) {
            throw new IllegalArgumentException("min must not be greater than max.");
        }
    }

    /** Whether a value lies within. */
    public boolean admit(long value) {
        return (min == null || value >= min) && (max == null || value <= max);
    }

    /** The value within that is nearest to this one. */
    public long nearest(long value) {
        return Math.clamp(value, min == null ? Long.MIN_VALUE : min, max == null ? Long.MAX_VALUE : max);
    }

    /**
     * Checks an initial value.
     *
     * @throws IllegalArgumentException with a message for the caller if it does not lie within
     */
    void requireInitial(long initial) {
        if (!admit(initial)) {
            throw new IllegalArgumentException("initial must be between min and max.");
        }
    }

    /** Whether there is a bound at either end. */
    public boolean any() {
        return min != null || max != null;
    }
}
