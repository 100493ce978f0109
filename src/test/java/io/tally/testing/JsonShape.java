package io.tally.testing;

import java.util.StringJoiner;
import java.util.TreeSet;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/** The names and types of the members of JSON: bodies of one shape differ only in their values. */
final class JsonShape {

    private static final JsonMapper JSON = new JsonMapper();

    private JsonShape() {}

    /** The shape of a text; that of a text which is not JSON is empty. */
    static String of(String text) {
        try {
            return of(JSON.readTree(text));
        } catch (JacksonException notJson) {
            return "";
        }
    }

    static String of(JsonNode node) {
        if (node.isObject()) {
            StringJoiner members = new StringJoiner(",", "{", "}");
            node.properties().forEach(member -> members.add(member.getKey() + ":" + of(member)));
            return members.toString();
        }
        if (node.isArray()) {
            TreeSet<String> items = new TreeSet<>();
            node.values().forEach(item -> items.add(of(item)));
            return items.toString();
        }
        return node.getNodeType().name();
    }

    private static String of(java.util.Map.Entry<String, JsonNode> member) {
        // The type of a problem decides which other members it has.
        return member.getKey().equals("type") ? member.getValue().toString() : of(member.getValue());
    }
}
