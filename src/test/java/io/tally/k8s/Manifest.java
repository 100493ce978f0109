package io.tally.k8s;

import java.util.ArrayList;
import java.util.List;
import tools.jackson.databind.JsonNode;

/** What the objects of Kubernetes have in common. */
final class Manifest {

    private Manifest() {}

    static boolean isKind(JsonNode object, String kind) {
        return object.path("kind").asString("").equals(kind);
    }

    static String name(JsonNode object) {
        return object.at("/metadata/name").asString("");
    }

    /** Such as {@code Deployment/tally}. */
    static String describe(JsonNode object) {
        return object.path("kind").asString("?") + "/" + name(object);
    }

    /** The pods that an object makes, or nothing that has fields. */
    static JsonNode pod(JsonNode object) {
        return object.at("/spec/template");
    }

    /** All containers of its pods. */
    static List<JsonNode> containers(JsonNode object) {
        List<JsonNode> containers = new ArrayList<>();
        pod(object).at("/spec/initContainers").forEach(containers::add);
        pod(object).at("/spec/containers").forEach(containers::add);
        return containers;
    }

    /** Whether a selector of labels takes these; of expressions, the project uses none. */
    static boolean selects(JsonNode selector, JsonNode labels) {
        if (selector.has("matchExpressions")) {
            throw new IllegalArgumentException("matchExpressions are not supported here: " + selector);
        }
        return matches(selector.path("matchLabels"), labels);
    }

    /** Whether all these labels are among those. */
    static boolean matches(JsonNode wanted, JsonNode labels) {
        return wanted.properties().stream().allMatch(label -> label.getValue().equals(labels.path(label.getKey())));
    }
}
