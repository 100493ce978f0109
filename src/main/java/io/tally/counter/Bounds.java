package io.tally.counter;

import org.jspecify.annotations.Nullable;

/**
 * The range a counter's value stays within, both ends included.
 *
 * @param min the least value, or {@code null} where there is none
 * @param max the greatest value, or {@code null} where there is none
 */
public record Bounds(@Nullable Long min, @Nullable Long max) {

    /** No bounds but those of 64 bits. */
    public static final Bounds NONE = new Bounds(null, null);

    /**
     * Checks that the range is not empty.
     *
     * @throws IllegalArgumentException where {@code min} is greater than {@code max}
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

    /** Whether there is a bound at either end. */
    public boolean any() {
        return min != null || max != null;
    }
}
