package io.tally.name;

import io.tally.counter.Naming;

/**
 * The identity of a name.
 *
 * @param key the name, or its lower case if the request folds case
 */
public record NameKey(String namespace, String key) {

    /**
     * The key of a name.
     *
     * @param folded whether upper and lower case are the same, by {@link LowerCase}
     * @throws IllegalArgumentException with a message for the caller if either is malformed
     */
    public static NameKey of(String namespace, String name, boolean folded) {
        Naming.requireNamespace(namespace);
        Naming.requireName(name);
        return new NameKey(namespace, folded ? LowerCase.of(name) : name);
    }
}
