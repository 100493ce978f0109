package io.tally.testing;

import java.math.BigInteger;
import java.util.stream.Stream;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.ObjectNode;

/**
 * The schemas of the OpenAPI file that have {@code x-int64}. The file shows them as numbers; requests may have strings
 * of digits in their place, and responses have them under {@code Prefer: int64=string}.
 */
final class Int64Schemas {

    private static final String MARK = "x-int64";

    /** What the schemas allow. */
    enum Form {
        NUMBER,
        STRING,
        BOTH
    }

    private Int64Schemas() {}

    /** The file with these schemas in that form. */
    static JsonNode in(Form form) {
        JsonNode file = Yaml.read(Contract.FILE).getFirst();
        if (form != Form.NUMBER) {
            marked(file).forEach(schema -> become(schema, form));
        }
        return file;
    }

    private static Stream<ObjectNode> marked(JsonNode file) {
        return file.at("/components/schemas").values().stream()
                .filter(schema -> schema.path(MARK).asBoolean(false))
                .map(JsonNode::asObject);
    }

    private static void become(ObjectNode schema, Form form) {
        ArrayNode types = schema.arrayNode().add("string");
        if (form == Form.BOTH) {
            types.add("integer");
        }
        if (schema.path("type").isArray()) {
            types.add("null");
        }
        schema.put("pattern", pattern(schema.get("minimum")));
        schema.set("type", types);
        schema.remove("format");
        if (form == Form.STRING) {
            schema.remove("minimum");
            schema.remove("maximum");
        }
        schema.remove("default");
    }

    private static String pattern(JsonNode minimum) {
        BigInteger least = minimum == null ? BigInteger.ONE.negate() : minimum.bigIntegerValue();
        return least.signum() > 0 ? "^[1-9][0-9]*$" : least.signum() == 0 ? "^(0|[1-9][0-9]*)$" : "^-?(0|[1-9][0-9]*)$";
    }
}
