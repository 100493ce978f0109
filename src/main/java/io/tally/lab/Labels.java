package io.tally.lab;

import java.util.Arrays;
import java.util.Locale;
import java.util.stream.Collectors;

/** Constants as they are stored and shown: {@code READ_COMMITTED} is "read-committed". */
final class Labels {

    private Labels() {}

    static String label(Enum<?> constant) {
        return constant.name().toLowerCase(Locale.ROOT).replace('_', '-');
    }

    /**
     * The constant with that label.
     *
     * @param what the name of the field in a request
     * @throws IllegalArgumentException with a sentence fit for the caller where there is none
     */
    static <E extends Enum<E>> E of(E[] constants, String what, String label) {
        return Arrays.stream(constants)
                .filter(constant -> label(constant).equals(label))
                .findFirst()
                .orElseThrow(() -> new IllegalArgumentException("'" + what + "' is one of "
                        + Arrays.stream(constants).map(Labels::label).collect(Collectors.joining(", ")) + "."));
    }
}
