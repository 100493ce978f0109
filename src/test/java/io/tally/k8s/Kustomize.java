package io.tally.k8s;

import io.tally.k8s.Kustomization.Generator;
import io.tally.k8s.Kustomization.Image;
import io.tally.k8s.Kustomization.Patch;
import io.tally.k8s.Kustomization.Target;
import io.tally.testing.Yaml;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Base64;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.ObjectNode;

/**
 * What {@code kubectl kustomize} makes of the manifests, for machines that have no kubectl: as much of it as this
 * project uses, and an exception for anything else. Generated objects keep their plain names. {@link KustomizeTest}
 * holds it against the real one.
 */
final class Kustomize {

    /** Lists that a strategic merge patch merges, by what tells their elements apart. It replaces all others. */
    private static final Map<String, String> KEYS_OF_LISTS = Map.of(
            "containers", "name",
            "initContainers", "name",
            "env", "name",
            "volumes", "name",
            "volumeMounts", "mountPath");

    /** Lists that it would merge in ways that are not known here. */
    private static final Set<String> UNSUPPORTED_LISTS =
            Set.of("ports", "topologySpreadConstraints", "tolerations", "imagePullSecrets");

    private static final String KUSTOMIZATION = "kustomization.yaml";

    private final Set<Path> files = new LinkedHashSet<>();

    /** The objects of a directory's kustomization. */
    List<ObjectNode> render(Path directory) {
        List<ObjectNode> objects = new ArrayList<>();
        accumulate(directory, objects);
        return objects;
    }

    /** All files that were read. */
    Set<Path> files() {
        return files;
    }

    private void accumulate(Path directory, List<ObjectNode> objects) {
        Path file = directory.resolve(KUSTOMIZATION).normalize();
        Kustomization kustomization = kustomization(file);
        try {
            for (String resource : all(kustomization.resources())) {
                addResource(directory.resolve(resource).normalize(), objects);
            }
            for (String component : all(kustomization.components())) {
                accumulate(directory.resolve(component).normalize(), objects);
            }
            all(kustomization.configMapGenerator()).forEach(each -> objects.add(configMap(directory, each)));
            all(kustomization.secretGenerator()).forEach(each -> objects.add(secret(directory, each)));
            all(kustomization.patches()).forEach(patch -> apply(directory, patch, objects));
        } catch (RuntimeException e) {
            throw new IllegalArgumentException(file + ": " + e.getMessage(), e);
        }
        if (kustomization.namespace() != null) {
            objects.forEach(object -> setNamespace(object, kustomization.namespace()));
        }
        all(kustomization.images()).forEach(image -> objects.forEach(object -> setImage(object, image)));
    }

    private Kustomization kustomization(Path file) {
        files.add(file);
        List<JsonNode> documents = Yaml.read(file);
        if (documents.size() != 1) {
            throw new IllegalArgumentException(file + ": not one document");
        }
        try {
            return Strict.read(documents.getFirst(), Kustomization.class);
        } catch (RuntimeException e) {
            throw new IllegalArgumentException(file + ": " + e.getMessage(), e);
        }
    }

    private void addResource(Path resource, List<ObjectNode> objects) {
        if (Files.isDirectory(resource)) {
            List<ObjectNode> inner = render(resource);
            inner.forEach(object -> add(object, objects));
            return;
        }
        files.add(resource);
        for (JsonNode document : Yaml.read(resource)) {
            if (!(document instanceof ObjectNode object)) {
                throw new IllegalArgumentException(resource + ": not an object: " + document);
            }
            add(object, objects);
        }
    }

    private static void add(ObjectNode object, List<ObjectNode> objects) {
        if (objects.stream().anyMatch(other -> isSame(other, object))) {
            throw new IllegalArgumentException("twice: " + Manifest.describe(object));
        }
        objects.add(object);
    }

    private static boolean isSame(ObjectNode one, ObjectNode other) {
        return one.path("apiVersion").equals(other.path("apiVersion"))
                && one.path("kind").equals(other.path("kind"))
                && one.at("/metadata/name").equals(other.at("/metadata/name"));
    }

    private ObjectNode configMap(Path directory, Generator generator) {
        ObjectNode object = generated("ConfigMap", generator);
        ObjectNode data = object.putObject("data");
        entries(directory, generator).forEach(data::put);
        return object;
    }

    private ObjectNode secret(Path directory, Generator generator) {
        ObjectNode object = generated("Secret", generator);
        object.put("type", "Opaque");
        ObjectNode data = object.putObject("data");
        entries(directory, generator)
                .forEach((key, value) ->
                        data.put(key, Base64.getEncoder().encodeToString(value.getBytes(StandardCharsets.UTF_8))));
        return object;
    }

    private static ObjectNode generated(String kind, Generator generator) {
        ObjectNode object = Yaml.object().put("apiVersion", "v1").put("kind", kind);
        ObjectNode metadata = object.putObject("metadata").put("name", generator.name());
        if (generator.namespace() != null) {
            metadata.put("namespace", generator.namespace());
        }
        if (generator.options() != null && generator.options().labels() != null) {
            generator.options().labels().forEach(metadata.putObject("labels")::put);
        }
        if (generator.options() != null && generator.options().annotations() != null) {
            generator.options().annotations().forEach(metadata.putObject("annotations")::put);
        }
        return object;
    }

    private Map<String, String> entries(Path directory, Generator generator) {
        Map<String, String> entries = new java.util.TreeMap<>();
        for (String literal : all(generator.literals())) {
            int equals = literal.indexOf('=');
            put(entries, literal.substring(0, equals), literal.substring(equals + 1));
        }
        for (String named : all(generator.files())) {
            int equals = named.indexOf('=');
            Path file = directory.resolve(named.substring(equals + 1)).normalize();
            files.add(file);
            put(entries, equals < 0 ? file.getFileName().toString() : named.substring(0, equals), text(file));
        }
        return entries;
    }

    private static void put(Map<String, String> entries, String key, String value) {
        if (entries.put(key, value) != null) {
            throw new IllegalArgumentException("twice: " + key);
        }
    }

    private static String text(Path file) {
        try {
            return Files.readString(file);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private void apply(Path directory, Patch patch, List<ObjectNode> objects) {
        String text;
        if (patch.path() != null) {
            Path file = directory.resolve(patch.path()).normalize();
            files.add(file);
            text = text(file);
        } else {
            text = Objects.requireNonNull(patch.patch(), "neither path nor patch");
        }
        for (JsonNode document : Yaml.parse(text)) {
            if (document instanceof ArrayNode operations) {
                Target target = Objects.requireNonNull(patch.target(), "a JSON patch without a target");
                targets(objects, target).forEach(object -> JsonPatch.apply(operations, object));
            } else if (document instanceof ObjectNode merge) {
                mergeInto(objects, merge, patch.target());
            }
        }
    }

    private static void mergeInto(List<ObjectNode> objects, ObjectNode merge, @Nullable Target target) {
        List<ObjectNode> targets = target != null
                ? targets(objects, target)
                : objects.stream().filter(object -> isSame(object, merge)).toList();
        if (targets.isEmpty()) {
            throw new IllegalArgumentException("nothing to patch: " + Manifest.describe(merge));
        }
        if (merge.path("$patch").asString("").equals("delete")) {
            objects.removeAll(targets);
        } else {
            targets.forEach(object -> merge(object, merge));
        }
    }

    private static List<ObjectNode> targets(List<ObjectNode> objects, Target target) {
        List<ObjectNode> targets = objects.stream()
                .filter(object -> fits(target.kind(), object.path("kind").asString()))
                .filter(object ->
                        fits(target.name(), object.at("/metadata/name").asString()))
                .filter(object ->
                        fits(apiVersion(target), object.path("apiVersion").asString()))
                .toList();
        if (targets.isEmpty()) {
            throw new IllegalArgumentException("nothing to patch: " + target);
        }
        return targets;
    }

    private static @Nullable String apiVersion(Target target) {
        if (target.group() == null && target.version() == null) {
            return null;
        }
        return target.group() == null ? target.version() : target.group() + "/" + target.version();
    }

    private static boolean fits(@Nullable String wanted, String actual) {
        return wanted == null || wanted.equals(actual);
    }

    private static void merge(ObjectNode object, ObjectNode patch) {
        patch.properties().forEach(property -> {
            String name = property.getKey();
            JsonNode now = object.get(name);
            JsonNode then = property.getValue();
            if (name.startsWith("$") || UNSUPPORTED_LISTS.contains(name)) {
                throw new IllegalArgumentException(name + " is not supported here: use a JSON patch");
            }
            if (then.isNull()) {
                object.remove(name);
            } else if (now instanceof ObjectNode inner && then instanceof ObjectNode innerPatch) {
                merge(inner, innerPatch);
            } else if (now instanceof ArrayNode list && then instanceof ArrayNode listPatch) {
                object.set(name, mergeList(name, list, listPatch));
            } else {
                object.set(name, withoutNulls(then));
            }
        });
    }

    /** The patch's elements come first, as kustomize has it. */
    private static ArrayNode mergeList(String name, ArrayNode list, ArrayNode patch) {
        String key = KEYS_OF_LISTS.get(name);
        if (key == null) {
            return patch;
        }
        ArrayNode merged = list.arrayNode();
        for (JsonNode element : patch) {
            JsonNode now = with(key, element.path(key), list);
            if (now instanceof ObjectNode inner) {
                merge(inner, (ObjectNode) element);
                merged.add(inner);
            } else {
                merged.add(withoutNulls(element));
            }
        }
        for (JsonNode element : list) {
            if (with(key, element.path(key), patch) == null) {
                merged.add(element);
            }
        }
        return merged;
    }

    private static @Nullable JsonNode with(String key, JsonNode value, ArrayNode list) {
        return list.valueStream()
                .filter(element -> element.path(key).equals(value))
                .findFirst()
                .orElse(null);
    }

    private static JsonNode withoutNulls(JsonNode tree) {
        if (tree instanceof ObjectNode object) {
            object.removeIf(JsonNode::isNull);
            object.forEach(Kustomize::withoutNulls);
        }
        return tree;
    }

    private static void setNamespace(ObjectNode object, String namespace) {
        ObjectNode metadata = (ObjectNode) object.path("metadata");
        metadata.put(Manifest.isKind(object, "Namespace") ? "name" : "namespace", namespace);
    }

    private static void setImage(ObjectNode object, Image image) {
        for (JsonNode container : Manifest.containers(object)) {
            String now = container.path("image").asString();
            if (now.equals(image.name()) || now.startsWith(image.name() + ":")) {
                String name = image.newName() == null ? image.name() : image.newName();
                String tag = image.newTag() == null ? "" : ":" + image.newTag();
                String digest = image.digest() == null ? "" : "@" + image.digest();
                ((ObjectNode) container).put("image", name + tag + digest);
            }
        }
    }

    private static <T> List<T> all(@Nullable List<T> list) {
        return list == null ? List.of() : list;
    }
}
