package io.tally.access;

import io.tally.StartupException;
import java.util.Arrays;
import java.util.regex.Pattern;
import java.util.stream.Collectors;

/**
 * A pattern of subjects of tokens: {@code *} stands for any number of characters that are no colon, so that it never
 * reaches into the next part of a subject such as {@code system:serviceaccount:shop:checkout}.
 */
final class SubjectPattern {

    /** The maximum length of a subject and of a pattern. That of a Kubernetes service account has at most 340. */
    static final int LENGTH_MAX = 512;

    private final Pattern pattern;

    private SubjectPattern(Pattern pattern) {
        this.pattern = pattern;
    }

    /**
     * Parses a pattern.
     *
     * @param key the name of the setting
     * @throws StartupException if it is empty, too long or has spaces or control characters
     */
    static SubjectPattern parse(String key, String text) {
        if (text.isEmpty() || text.length() > LENGTH_MAX || text.chars().anyMatch(SubjectPattern::isBlank)) {
            throw new StartupException(
                    key + " is '" + text + "', but a subject must have 1 to " + LENGTH_MAX
                            + " characters without spaces and control characters.",
                    "Set it to the subject of a token, such as system:serviceaccount:shop:checkout. A * stands for any"
                            + " characters except a colon.");
        }
        return new SubjectPattern(Pattern.compile(
                Arrays.stream(text.split("\\*", -1)).map(Pattern::quote).collect(Collectors.joining("[^:]*"))));
    }

    private static boolean isBlank(int c) {
        return Character.isWhitespace(c) || Character.isISOControl(c);
    }

    boolean matches(String subject) {
        return pattern.matcher(subject).matches();
    }
}
