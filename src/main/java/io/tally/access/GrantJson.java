package io.tally.access;

import io.tally.counter.Labels;
import io.tally.counter.Naming;
import io.tally.http.Action;
import io.tally.http.Bodies;
import io.tally.http.Grant;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.function.Function;
import org.springframework.util.Assert;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/** Grants as JSON: <code>[{"namespaces":["shop","shop-*"],"actions":["read","write"]}]</code>. */
final class GrantJson {

    /** The maximum of grants, and of namespaces of a grant. */
    static final int MAX = 100;

    private static final String ALL = "*";

    private final JsonMapper json;

    GrantJson(JsonMapper json) {
        this.json = json;
    }

    /** A grant of a response. */
    record GrantView(List<String> namespaces, List<Action> actions) {

        static List<GrantView> of(List<Grant> grants) {
            return grants.stream()
                    .map(grant -> new GrantView(
                            grant.namespaces(),
                            grant.actions().stream().sorted().toList()))
                    .toList();
        }
    }

    String write(List<Grant> grants) {
        return json.writeValueAsString(GrantView.of(grants));
    }

    /** Reads what {@link #write} wrote. */
    List<Grant> read(String text) {
        return grants(json.readValue(text, JsonNode.class));
    }

    /**
     * The grants of a request.
     *
     * @throws io.tally.http.ProblemException with a message for the caller if they are malformed
     */
    static List<Grant> grants(JsonNode array) {
        return items("grants", array, GrantJson::grant);
    }

    private static Grant grant(JsonNode object) {
        List<String> namespaces = List.of();
        Set<Action> actions = Set.of();
        for (var member : Bodies.members(object)) {
            switch (member.getKey()) {
                case "namespaces" ->
                    namespaces =
                            items("namespaces", member.getValue(), item -> namespace(Bodies.text("namespaces", item)));
                case "actions" -> actions = Set.copyOf(items("actions", member.getValue(), GrantJson::action));
                default -> throw Bodies.malformed("A grant must have no members but 'namespaces' and 'actions'.");
            }
        }
        if (namespaces.isEmpty() || actions.isEmpty()) {
            throw Bodies.malformed("A grant must have 'namespaces' and 'actions'.");
        }
        if (actions.contains(Action.ADMIN) && !namespaces.contains(ALL)) {
            throw Bodies.malformed("The action admin applies to all namespaces: 'namespaces' must contain '*'.");
        }
        return new Grant(namespaces, actions);
    }

    private static <T> List<T> items(String name, JsonNode array, Function<JsonNode, T> item) {
        if (!array.isArray() || array.isEmpty() || array.size() > MAX) {
            throw Bodies.malformed("'" + name + "' must be an array of 1 to " + MAX + " items.");
        }
        List<T> items = new ArrayList<>();
        array.forEach(each -> items.add(item.apply(each)));
        return items;
    }

    private static String namespace(String pattern) {
        return Bodies.checked(() -> requirePattern(pattern));
    }

    /**
     * Checks the pattern of a namespace: a namespace, or the beginning of one with {@code *} behind it, such as
     * {@code acme:*} for all with the tag acme.
     *
     * @return the same
     * @throws IllegalArgumentException with a message for the caller if it is malformed
     */
    static String requirePattern(String pattern) {
        if (!pattern.endsWith(ALL)) {
            return Naming.requireNamespace(pattern);
        }
        Assert.isTrue(
                pattern.equals(ALL) || isBeginning(pattern.substring(0, pattern.length() - 1)),
                "In 'namespaces', '*' must stand alone or behind the beginning of a namespace.");
        return pattern;
    }

    private static boolean isBeginning(String text) {
        try {
            // A tag and its colon begin a namespace, and are none.
            boolean isTag = text.endsWith(String.valueOf(Naming.TAG_END));
            Naming.requireNamespace(isTag ? text + "x" : text);
            return true;
        } catch (IllegalArgumentException malformed) {
            return false;
        }
    }

    private static Action action(JsonNode item) {
        return Bodies.checked(() -> Labels.parse(Action.values(), "actions", Bodies.text("actions", item)));
    }
}
