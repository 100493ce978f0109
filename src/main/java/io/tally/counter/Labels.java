package io.tally.counter;

import java.util.Arrays;
import java.util.Locale;
import java.util.stream.Collectors;

/** The labels of enum constants for clients, metrics and the database: {@code READ_COMMITTED} is "read-committed". */
public final class Labels {

    private Labels() {}

    /** The constant's name in lower case, with hyphens. */
    public static String label(Enum<?> constant) {
        return constant.name().toLowerCase(Locale.ROOT).replace('_', '-');
    }

    /**
     * The constant with that label.
     *
     * @param field its name in the message
     * @throws IllegalArgumentException with a message for the caller if there is none
     */
    public static <E extends Enum<E>> E parse(E[] constants, String field, String label) {
        return Arrays.stream(constants)
                .filter(constant -> label(constant).equals(label))
                .findFirst()
                .orElseThrow(() -> new IllegalArgumentException("'" + field + "' must be one of "
                        + Arrays.stream(constants).map(Labels::label).collect(Collectors.joining(", ")) + "."));
    }
}
