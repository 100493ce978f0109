package io.tally.ranking;

import java.util.Arrays;
import java.util.Optional;

/**
 * The order of a list. Ties are in the order of names. A descending order is the exact reverse of the ascending one.
 */
public enum Sort {
    /** By name, in the order of its bytes. */
    NAME("name"),
    /** The smallest value first. */
    VALUE("value"),
    /** The greatest value first. */
    VALUE_DESCENDING("-value"),
    /** The smallest growth since the last snapshot first. */
    GROWTH("growth"),
    /** The greatest growth first. */
    GROWTH_DESCENDING("-growth");

    private final String label;

    Sort(String label) {
        this.label = label;
    }

    /** The value of the parameter. */
    String label() {
        return label;
    }

    static Optional<Sort> of(String label) {
        return Arrays.stream(values()).filter(sort -> sort.label.equals(label)).findFirst();
    }
}
