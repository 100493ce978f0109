package io.tally.counter;

import org.jspecify.annotations.Nullable;

/** The change of one property by a patch. */
public sealed interface Edit<T> {

    /** Keeps the property. */
    static <T> Edit<T> keep() {
        return new Keep<>();
    }

    /** The property after this change. */
    @Nullable
    T after(@Nullable T before);

    /** See {@link #keep}. */
    record Keep<T>() implements Edit<T> {
        @Override
        public @Nullable T after(@Nullable T before) {
            return before;
        }
    }

    /** Sets the property; {@code null} removes it. */
    record Set<T>(@Nullable T value) implements Edit<T> {
        @Override
        public @Nullable T after(@Nullable T before) {
            return value;
        }
    }
}
