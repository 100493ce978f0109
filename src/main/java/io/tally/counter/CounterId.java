package io.tally.counter;

/**
 * The identity of a counter: a name within a namespace.
 *
 * @param namespace see {@link Naming#requireNamespace}
 * @param name 1 to 256 bytes of UTF-8 without control characters
 */
public record CounterId(String namespace, String name) {

    /**
     * Checks both parts.
     *
     * @throws IllegalArgumentException with a message for the caller if a part is malformed
     */
    public CounterId {
        Naming.requireNamespace(namespace);
        Naming.requireName(name);
    }

    @Override
    public String toString() {
        return namespace + "/" + name;
    }
}
