package io.tally.counter;

/**
 * The state that a plain counter begins with.
 *
 * @param initial the initial value, within {@code bounds}
 */
public record NewCounter(long initial, Bounds bounds) {

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
}
