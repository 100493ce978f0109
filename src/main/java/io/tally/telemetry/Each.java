package io.tally.telemetry;

import java.util.EnumMap;
import java.util.Map;
import java.util.Objects;
import java.util.function.Function;

/** The meters of one label, by its value. */
final class Each<E extends Enum<E>, T> {

    private final Map<E, T> meters;

    Each(Class<E> type, Function<E, T> meter) {
        meters = new EnumMap<>(type);
        for (E value : type.getEnumConstants()) {
            meters.put(value, meter.apply(value));
        }
    }

    T of(E value) {
        return Objects.requireNonNull(meters.get(value));
    }
}
