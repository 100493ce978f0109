package io.tally.http;

import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;
import org.springframework.web.reactive.function.server.ServerRequest;

/**
 * {@code *} or a list of entity tags (RFC 9110, sections 8.8.3 and 13.1). A tag may be empty, may contain commas, and
 * has no escapes.
 *
 * @param any {@code *}
 * @param tags as they were sent: {@code "1"}, or weak: {@code W/"1"}
 */
record EntityTags(boolean any, Set<String> tags) {

    private static final String WEAK = "W/";

    /** The tags in a header field; {@code null} if the request does not have the field. */
    static @Nullable EntityTags of(ServerRequest request, String field) {
        List<String> values = request.headers().header(field);
        return values.isEmpty() ? null : parse(String.join(",", values));
    }

    static EntityTags parse(String list) {
        if (list.strip().equals("*")) {
            return new EntityTags(true, Set.of());
        }
        Set<String> tags = new LinkedHashSet<>();
        boolean separated = true;
        for (int i = 0; i < list.length(); i++) {
            char c = list.charAt(i);
            if (c == ',') {
                separated = true;
            } else if (c != ' ' && c != '\t') {
                int end = separated ? endOfTag(list, i) : -1;
                if (end < 0) {
                    throw malformed();
                }
                tags.add(list.substring(i, end + 1));
                separated = false;
                i = end;
            }
        }
        // A list may have empty elements, but needs at least one tag.
        if (tags.isEmpty()) {
            throw malformed();
        }
        return new EntityTags(false, tags);
    }

    /** The closing quote of the tag at that offset; -1 without a tag there. */
    private static int endOfTag(String list, int start) {
        int open = list.startsWith(WEAK, start) ? start + WEAK.length() : start;
        return list.startsWith("\"", open) ? list.indexOf('"', open + 1) : -1;
    }

    private static ProblemException malformed() {
        return new ProblemException(ProblemType.MALFORMED, "An entity tag must be in double quotes.");
    }

    /** Whether they match a strong tag by the strong comparison, as {@code If-Match} requires. */
    boolean matchStrongly(String tag) {
        return any || tags.contains(tag);
    }

    /** Whether they match a strong tag by the weak comparison, as {@code If-None-Match} requires. */
    boolean matchWeakly(String tag) {
        return matchStrongly(tag) || tags.contains(WEAK + tag);
    }

    /** The versions of counters in the strong tags. Any other tag matches no version. */
    Set<Long> versions() {
        return tags.stream()
                .filter(tag -> tag.matches("\"[1-9][0-9]{0,17}\""))
                .map(tag -> Long.valueOf(tag.substring(1, tag.length() - 1)))
                .collect(Collectors.toSet());
    }
}
