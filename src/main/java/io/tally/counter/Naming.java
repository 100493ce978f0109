package io.tally.counter;

import java.nio.charset.StandardCharsets;

/** The rules for namespaces and names of counters, members, names and tokens. */
public final class Naming {

    /** The maximum length of a name, in bytes of UTF-8. */
    public static final int NAME_BYTES_MAX = 256;

    /** Ends the tag of a namespace. Namespaces with the same tag share a shard. */
    public static final char TAG_END = ':';

    private static final int NAMESPACE_LENGTH_MAX = 64;

    private Naming() {}

    /**
     * 1 to 64 of {@code A-Za-z0-9._-}, beginning with a letter or digit. May have a tag in front: another such text and
     * a colon, all of it at most 64 characters.
     *
     * @return the same
     * @throws IllegalArgumentException with a message for the caller if it is malformed
     */
    public static String requireNamespace(String namespace) {
        if (!isNamespace(namespace)) {
            throw new IllegalArgumentException(
                    "A namespace must have 1 to 64 letters, digits, '.', '_' or '-' and begin with a letter or digit."
                            + " It may have a tag in front, such as acme in acme:stock.");
        }
        return namespace;
    }

    private static boolean isNamespace(String namespace) {
        if (namespace.length() > NAMESPACE_LENGTH_MAX) {
            return false;
        }
        int tagEnd = namespace.indexOf(TAG_END);
        return isLabel(namespace, 0, tagEnd < 0 ? namespace.length() : tagEnd)
                && (tagEnd < 0 || isLabel(namespace, tagEnd + 1, namespace.length()));
    }

    private static boolean isLabel(String text, int from, int to) {
        if (from >= to || !isAlphanumeric(text.charAt(from))) {
            return false;
        }
        for (int i = from + 1; i < to; i++) {
            char c = text.charAt(i);
            if (!isAlphanumeric(c) && c != '.' && c != '_' && c != '-') {
                return false;
            }
        }
        return true;
    }

    private static boolean isAlphanumeric(char c) {
        return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z');
    }

    /**
     * Checks the name of a new resource: neither {@code .} nor {@code ..}. Clients and proxies remove these from paths
     * (RFC 3986, section 5.2.4), so that a request for {@code /v1/names/a/..} becomes one for {@code /v1/names/}.
     * Existing resources keep such names.
     *
     * @throws IllegalArgumentException with a message for the caller if it is one of these
     */
    public static void requireReachable(String name) {
        if (isDotSegment(name)) {
            throw new IllegalArgumentException(
                    "A new name must not be '.' or '..', since clients remove these from paths.");
        }
    }

    /** Whether clients and proxies remove such a segment from a path. */
    public static boolean isDotSegment(String segment) {
        return segment.equals(".") || segment.equals("..");
    }

    /**
     * 1 to 256 bytes of UTF-8 without control characters.
     *
     * @return the same
     * @throws IllegalArgumentException with a message for the caller if it is malformed
     */
    public static String requireName(String name) {
        for (int i = 0; i < name.length(); i++) {
            char c = name.charAt(i);
            if (Character.isISOControl(c)) {
                throw new IllegalArgumentException("A name must not contain control characters.");
            }
            if (Character.isSurrogate(c)) {
                // A lone surrogate has no UTF-8 form; the database would refuse it for the whole batch.
                if (!Character.isHighSurrogate(c)
                        || i + 1 == name.length()
                        || !Character.isLowSurrogate(name.charAt(i + 1))) {
                    throw new IllegalArgumentException("A name must be well-formed Unicode.");
                }
                i++;
            }
        }
        boolean certainlyFits = name.length() <= NAME_BYTES_MAX / 4;
        if (name.isEmpty() || (!certainlyFits && name.getBytes(StandardCharsets.UTF_8).length > NAME_BYTES_MAX)) {
            throw new IllegalArgumentException("A name must have 1 to " + NAME_BYTES_MAX + " bytes of UTF-8.");
        }
        return name;
    }
}
