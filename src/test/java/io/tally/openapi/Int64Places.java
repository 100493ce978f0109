package io.tally.openapi;

import io.tally.testing.Contract;
import io.tally.testing.Yaml;
import java.util.LinkedHashSet;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Stream;
import tools.jackson.databind.JsonNode;

/** Where the OpenAPI file has 64-bit numbers: its schemas with {@code x-int64}. */
final class Int64Places {

    private final JsonNode file = Yaml.read(Contract.FILE).getFirst();

    /** The names of the operations that have such a number in a response. */
    Set<String> operations() {
        Set<String> found = new TreeSet<>();
        operationsOfFile()
                .filter(operation ->
                        operation.path("responses").values().stream().anyMatch(this::hasAny))
                .forEach(operation -> found.add(operation.path("operationId").asString()));
        return found;
    }

    /** The names of the operations that have a header field {@code Prefer}. */
    Set<String> operationsWithPrefer() {
        Set<String> found = new TreeSet<>();
        operationsOfFile()
                .filter(operation -> operation.path("parameters").values().stream()
                        .anyMatch(parameter ->
                                resolved(parameter).path("name").asString("").equals("Prefer")))
                .forEach(operation -> found.add(operation.path("operationId").asString()));
        return found;
    }

    private Stream<JsonNode> operationsOfFile() {
        return file.path("paths").values().stream()
                .flatMap(path -> path.values().stream())
                .filter(operation -> operation.has("operationId"));
    }

    private boolean hasAny(JsonNode response) {
        return resolved(response).path("content").values().stream()
                .anyMatch(content -> hasInt64(schema(content), new LinkedHashSet<>()));
    }

    private static JsonNode schema(JsonNode content) {
        return content.has("x-item-schema") ? content.path("x-item-schema") : content.path("schema");
    }

    private boolean hasInt64(JsonNode schema, Set<String> entered) {
        String reference = schema.path("$ref").asString("");
        if (!reference.isEmpty()) {
            return entered.add(reference) && hasInt64(resolved(schema), entered);
        }
        return schema.path("x-int64").asBoolean(false)
                || schema.path("properties").values().stream().anyMatch(member -> hasInt64(member, entered))
                || hasInt64InItems(schema, entered)
                || alternatives(schema).anyMatch(alternative -> hasInt64(alternative, entered));
    }

    private boolean hasInt64InItems(JsonNode schema, Set<String> entered) {
        return schema.has("items") && hasInt64(schema.path("items"), entered);
    }

    /** The paths of such numbers in a body or an item of a response, as in {@code /items/0/value}. */
    Set<String> in(JsonNode body, String operation, int status, String mediaType) {
        JsonNode response = operationsOfFile()
                .filter(each -> each.path("operationId").asString().equals(operation))
                .findFirst()
                .orElseThrow()
                .path("responses")
                .path(Integer.toString(status));
        Set<String> found = new TreeSet<>();
        find(schema(resolved(response).path("content").path(mediaType)), body, "", found);
        return found;
    }

    private void find(JsonNode unresolved, JsonNode value, String path, Set<String> found) {
        JsonNode schema = resolved(unresolved);
        if (schema.path("x-int64").asBoolean(false)) {
            found.add(path);
        }
        schema.path("properties").properties().forEach(member -> {
            JsonNode inner = value.get(member.getKey());
            if (inner != null) {
                find(member.getValue(), inner, path + "/" + member.getKey(), found);
            }
        });
        if (value.isArray() && schema.has("items")) {
            for (int i = 0; i < value.size(); i++) {
                find(schema.path("items"), value.get(i), path + "/" + i, found);
            }
        }
        alternatives(schema).forEach(alternative -> find(alternative, value, path, found));
    }

    private static Stream<JsonNode> alternatives(JsonNode schema) {
        return Stream.of("oneOf", "allOf", "anyOf").flatMap(name -> schema.path(name).values().stream());
    }

    private JsonNode resolved(JsonNode node) {
        String reference = node.path("$ref").asString("");
        return reference.isEmpty() ? node : resolved(file.at(reference.substring(1)));
    }
}
