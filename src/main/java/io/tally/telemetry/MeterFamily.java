package io.tally.telemetry;

import java.util.EnumMap;
import java.util.Map;
import java.util.Objects;
import java.util.function.Function;

/**
 * The meters of one id, registered for each value of a label at the start, so that they read 0 before the first event.
 */
public final class MeterFamily<E extends Enum<E>, T> {

    private final Map<E, T> meters;

    /** @param register registers the meter of a value */
    public MeterFamily(Class<E> label, Function<E, T> register) {
        meters = new EnumMap<>(label);
        for (E value : label.getEnumConstants()) {
            meters.put(value, register.apply(value));
        }
    }

    /** The meter of that value. */
    public T of(E value) {
        return Objects.requireNonNull(meters.get(value));
    }
}
