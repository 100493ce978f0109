package io.tally.k8s;

import io.tally.testing.Yaml;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ObjectNode;

/** The objects of an overlay, as they are applied, and what is wrong with them. */
final class Rendering {

    /** Where all is, and what it is part of. */
    static final String NAMESPACE = "tally";

    private final List<ObjectNode> objects;
    private final List<String> complaints = new ArrayList<>();

    Rendering(List<ObjectNode> objects) {
        this.objects = objects;
    }

    List<ObjectNode> objects() {
        return objects;
    }

    /** What is wrong, each as a sentence. */
    List<String> complaints() {
        return complaints;
    }

    void complain(String complaint) {
        complaints.add(complaint);
    }

    void require(boolean holds, JsonNode object, String complaint) {
        if (!holds) {
            complaints.add(Manifest.describe(object) + ": " + complaint);
        }
    }

    List<ObjectNode> all(String kind) {
        return objects.stream().filter(object -> Manifest.isKind(object, kind)).toList();
    }

    @Nullable
    ObjectNode find(String kind, String name) {
        return all(kind).stream()
                .filter(object -> Manifest.name(object).equals(name))
                .findFirst()
                .orElse(null);
    }

    List<ObjectNode> workloads() {
        return Stream.of("Deployment", "StatefulSet")
                .flatMap(kind -> all(kind).stream())
                .toList();
    }

    static JsonNode labels(JsonNode workload) {
        return Manifest.pod(workload).at("/metadata/labels");
    }

    static boolean hasPort(JsonNode workload, JsonNode port) {
        return Manifest.containers(workload).stream()
                .flatMap(container -> container.path("ports").valueStream())
                .anyMatch(each -> port.isString()
                        ? each.path("name").equals(port)
                        : each.path("containerPort").equals(port));
    }

    /** The workloads whose pods a selector takes; one at least. */
    List<ObjectNode> podsOf(ObjectNode object, JsonNode selector) {
        List<ObjectNode> selected = workloads().stream()
                .filter(workload -> Manifest.selects(selector, labels(workload)))
                .toList();
        boolean operators = all("Cluster").stream().anyMatch(cluster -> Manifest.selects(selector, labelsOf(cluster)));
        require(!selected.isEmpty() || operators, object, "selects no pods");
        require(selected.size() <= 1 || selector.isEmpty(), object, "selects the pods of several");
        return selected;
    }

    /** What the operator gives to the pods of a cluster. */
    static ObjectNode labelsOf(JsonNode cluster) {
        return Yaml.object().put("cnpg.io/cluster", Manifest.name(cluster));
    }

    static boolean tagged(String image) {
        return image.substring(image.lastIndexOf('/') + 1).contains(":");
    }
}
