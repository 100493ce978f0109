package io.tally.name;

import io.tally.counter.Naming;
import java.util.Locale;

/**
 * What tells a name from another.
 *
 * @param key the name, or its lower case where it is compared without regard to case; the two are names apart
 */
public record NameKey(String namespace, String key) {

    /**
     * The key of a name.
     *
     * @param folded whether upper and lower case are the same, by {@link String#toLowerCase(Locale)} of
     *     {@link Locale#ROOT}
     * @throws IllegalArgumentException with a sentence fit for the caller where either is malformed
     */
    public static NameKey of(String namespace, String name, boolean folded) {
        Naming.requireNamespace(namespace);
        Naming.requireName(name);
        return new NameKey(namespace, folded ? name.toLowerCase(Locale.ROOT) : name);
    }
}
