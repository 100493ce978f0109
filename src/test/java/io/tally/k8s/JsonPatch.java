package io.tally.k8s;

import com.fasterxml.jackson.annotation.JsonProperty;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.ObjectNode;

/** JSON patches (RFC 6902) of {@code add}, {@code replace} and {@code remove}. */
final class JsonPatch {

    private record Operation(
            @JsonProperty(required = true) String op,
            @JsonProperty(required = true) String path,
            @Nullable JsonNode value) {}

    private JsonPatch() {}

    /** Changes the object. */
    static void apply(ArrayNode operations, ObjectNode object) {
        for (JsonNode operation : operations) {
            apply(Strict.read(operation, Operation.class), object);
        }
    }

    private static void apply(Operation operation, ObjectNode object) {
        int slash = operation.path().lastIndexOf('/');
        JsonNode parent = object.at(operation.path().substring(0, slash));
        String key = operation.path().substring(slash + 1).replace("~1", "/").replace("~0", "~");
        JsonNode value = operation.value();
        boolean there = !object.at(operation.path()).isMissingNode();
        switch (operation.op()) {
            case "add" -> add(parent, key, required(operation, value));
            case "replace" -> {
                require(there, operation);
                remove(parent, key);
                add(parent, key, required(operation, value));
            }
            case "remove" -> {
                require(there, operation);
                remove(parent, key);
            }
            default -> throw new IllegalArgumentException("not supported here: " + operation);
        }
    }

    private static void add(JsonNode parent, String key, JsonNode value) {
        if (parent instanceof ObjectNode object) {
            object.set(key, value);
        } else if (parent instanceof ArrayNode array) {
            array.insert(key.equals("-") ? array.size() : Integer.parseInt(key), value);
        } else {
            throw new IllegalArgumentException("nothing to add to: " + key);
        }
    }

    private static void remove(JsonNode parent, String key) {
        if (parent instanceof ObjectNode object) {
            object.remove(key);
        } else {
            ((ArrayNode) parent).remove(Integer.parseInt(key));
        }
    }

    private static JsonNode required(Operation operation, @Nullable JsonNode value) {
        if (value == null) {
            throw new IllegalArgumentException("no value: " + operation);
        }
        return value;
    }

    private static void require(boolean there, Operation operation) {
        if (!there) {
            throw new IllegalArgumentException("nothing there: " + operation);
        }
    }
}
