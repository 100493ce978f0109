package io.tally.namespace;

import io.tally.http.Action;
import io.tally.http.Grant;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * Names of namespaces between two texts, in the order of their bytes. The characters of names are between
 * {@link #BEFORE} and {@link #BEYOND}, so that these end a range.
 *
 * @param low the first name that is included
 * @param high the first text that is not
 */
record NamespaceRange(String low, String high) {

    private static final String BEFORE = "!";
    private static final String BEYOND = "~";

    /**
     * What a page may have: the namespaces with the prefix that a caller may read.
     *
     * @param after the namespace before the page, {@code null} for the first page
     * @return in order, without overlaps; empty if there is none
     */
    static List<NamespaceRange> of(List<Grant> grants, String prefix, @Nullable String after) {
        NamespaceRange wanted = of(prefix + "*");
        NamespaceRange page = after == null ? wanted : new NamespaceRange(later(wanted.low, end(after)), wanted.high);
        return merged(grants.stream()
                .filter(grant -> grant.actions().contains(Action.READ))
                .flatMap(grant -> grant.namespaces().stream())
                .distinct()
                .map(NamespaceRange::of)
                .flatMap(granted -> granted.and(page).stream())
                .sorted(Comparator.comparing(NamespaceRange::low))
                .toList());
    }

    /** The names of a pattern, as {@link Grant} has them. */
    private static NamespaceRange of(String pattern) {
        if (!pattern.endsWith("*")) {
            return new NamespaceRange(pattern, end(pattern));
        }
        String prefix = pattern.substring(0, pattern.length() - 1);
        return new NamespaceRange(prefix, prefix + BEYOND);
    }

    /** After a name, and before all longer names that begin with it. */
    private static String end(String name) {
        return name + BEFORE;
    }

    private Optional<NamespaceRange> and(NamespaceRange other) {
        NamespaceRange both = new NamespaceRange(later(low, other.low), earlier(high, other.high));
        return both.low.compareTo(both.high) < 0 ? Optional.of(both) : Optional.empty();
    }

    private static List<NamespaceRange> merged(List<NamespaceRange> sorted) {
        List<NamespaceRange> merged = new ArrayList<>();
        for (NamespaceRange next : sorted) {
            NamespaceRange last = merged.isEmpty() ? null : merged.getLast();
            if (last != null && next.low.compareTo(last.high) <= 0) {
                merged.set(merged.size() - 1, new NamespaceRange(last.low, later(last.high, next.high)));
            } else {
                merged.add(next);
            }
        }
        return merged;
    }

    private static String later(String one, String other) {
        return one.compareTo(other) >= 0 ? one : other;
    }

    private static String earlier(String one, String other) {
        return one.compareTo(other) <= 0 ? one : other;
    }
}
