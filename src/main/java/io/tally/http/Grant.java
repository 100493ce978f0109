package io.tally.http;

import java.util.List;
import java.util.Set;

/**
 * Actions that are allowed in some namespaces.
 *
 * @param namespaces names of namespaces; one that ends with {@code *} stands for all that begin with the rest
 * @param actions the allowed actions
 */
public record Grant(List<String> namespaces, Set<Action> actions) {

    /** Every action in every namespace. */
    public static final Grant ALL = new Grant(List.of("*"), Set.of(Action.values()));

    public Grant {
        namespaces = List.copyOf(namespaces);
        actions = Set.copyOf(actions);
    }

    boolean allows(Action action) {
        return actions.contains(action);
    }

    boolean allowsEverywhere(Action action) {
        return actions.contains(action) && namespaces.contains("*");
    }

    boolean allows(Action action, String namespace) {
        return actions.contains(action) && includes(namespace);
    }

    private boolean includes(String namespace) {
        for (String pattern : namespaces) {
            if (pattern.endsWith("*")
                    ? namespace.regionMatches(0, pattern, 0, pattern.length() - 1)
                    : namespace.equals(pattern)) {
                return true;
            }
        }
        return false;
    }
}
