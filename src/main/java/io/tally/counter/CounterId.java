package io.tally.counter;

import java.nio.charset.StandardCharsets;

/**
 * The identity of a counter: a name within a namespace.
 *
 * @param namespace 1 to 64 of {@code A-Za-z0-9._-}, beginning with a letter or digit
 * @param name 1 to 256 bytes of UTF-8 without control characters
 */
public record CounterId(String namespace, String name) {

    /** The most bytes of UTF-8 a name may have. */
    public static final int NAME_BYTES_MAX = 256;

    private static final int NAMESPACE_LENGTH_MAX = 64;

    /**
     * Checks both parts.
     *
     * @throws IllegalArgumentException with a sentence fit for the caller where a part is malformed
     */
    public CounterId {
        if (!isNamespace(namespace)) {
            throw new IllegalArgumentException(
                    "A namespace is 1 to 64 letters, digits, '.', '_' or '-' and begins with a letter or digit.");
        }
        requireName(name);
    }

    private static boolean isNamespace(String namespace) {
        if (namespace.isEmpty() || namespace.length() > NAMESPACE_LENGTH_MAX || !isAlphanumeric(namespace.charAt(0))) {
            return false;
        }
        for (int i = 1; i < namespace.length(); i++) {
            char c = namespace.charAt(i);
            if (!isAlphanumeric(c) && c != '.' && c != '_' && c != '-') {
                return false;
            }
        }
        return true;
    }

    private static boolean isAlphanumeric(char c) {
        return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z');
    }

    private static void requireName(String name) {
        for (int i = 0; i < name.length(); i++) {
            char c = name.charAt(i);
            if (Character.isISOControl(c)) {
                throw new IllegalArgumentException("A name has no control characters.");
            }
            if (Character.isSurrogate(c)) {
                // A lone surrogate has no UTF-8 form; the database would refuse it for the whole batch.
                if (!Character.isHighSurrogate(c)
                        || i + 1 == name.length()
                        || !Character.isLowSurrogate(name.charAt(i + 1))) {
                    throw new IllegalArgumentException("A name is well-formed Unicode.");
                }
                i++;
            }
        }
        boolean certainlyFits = name.length() <= NAME_BYTES_MAX / 4;
        if (name.isEmpty() || (!certainlyFits && name.getBytes(StandardCharsets.UTF_8).length > NAME_BYTES_MAX)) {
            throw new IllegalArgumentException("A name is 1 to " + NAME_BYTES_MAX + " bytes of UTF-8.");
        }
    }

    @Override
    public String toString() {
        return namespace + "/" + name;
    }
}
