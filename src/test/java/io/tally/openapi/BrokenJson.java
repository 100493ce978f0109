package io.tally.openapi;

import static java.nio.charset.StandardCharsets.ISO_8859_1;
import static java.nio.charset.StandardCharsets.UTF_8;

import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import net.jqwik.api.Arbitraries;
import net.jqwik.api.Arbitrary;
import net.jqwik.api.Combinators;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.ObjectNode;

/** JSON texts that differ from an allowed one in one place. Each character stands for one byte of the body. */
final class BrokenJson {

    /** Stands in a tree where the text is to have something that no tree has. */
    private static final String PLACE = "<place>";

    /** What a value may become. Some of it is allowed in some places. */
    private static final List<String> VALUES = List.of(
            "null",
            "true",
            "\"\"",
            "\"x\"",
            "\"5\"",
            "\"-5\"",
            "\"+5\"",
            "\"05\"",
            "\" 5\"",
            "\"5.0\"",
            "\"9223372036854775808\"",
            "\"" + "9".repeat(400) + "\"",
            "0",
            "-0",
            "1.0",
            "1e2",
            "1.5",
            "-1",
            "2147483648",
            "9007199254740993",
            "9223372036854775807",
            "9223372036854775808",
            "-9223372036854775808",
            "-9223372036854775809",
            "1e400",
            "1e999999999",
            "-1e-999999999",
            "9".repeat(200),
            "9".repeat(2_000),
            "0." + "1".repeat(200),
            "[]",
            "[[1]]",
            "{}",
            "{\"a\":1}",
            "\"\\u0000\"",
            "\"\\ud800\"",
            "\"\\udc00x\"",
            "\"\\u007f\"",
            "\"a\\nb\"",
            "\".\"",
            "\"..\"",
            "\"" + "n".repeat(257) + "\"",
            "\"" + "n".repeat(9_000) + "\"",
            "\"a\nb\"",
            "\"\u0000\"",
            "\"\u00FF\"",
            "\"\u00ED\u00A0\u0080\"",
            "\"\u00C0\u00AF\"",
            "\"\\x\"",
            "NaN",
            "-Infinity",
            "0x10",
            "'x'",
            "+5",
            "05",
            "5.",
            "-",
            "",
            "/* */ 1",
            "[".repeat(2_000),
            "[".repeat(600) + "]".repeat(600),
            "{\"a\":".repeat(1_500) + "1" + "}".repeat(1_500));

    private enum Way {
        REPLACE,
        REMOVE,
        ADD,
        DUPLICATE,
        TRUNCATE,
        APPEND,
        PREPEND
    }

    private static final List<String> AROUND = List.of(
            " ", "\r\n", "x", "{}", "[]", "1", "]", "}", ",", "\u0000", "\u00FF\u00FE", "\u00EF\u00BB\u00BF", "// x");

    private BrokenJson() {}

    /** Texts near the allowed ones, which are ASCII or have one character for each byte. */
    static Arbitrary<String> near(Arbitrary<String> allowed) {
        return Combinators.combine(
                        allowed,
                        Arbitraries.of(Way.values()),
                        Arbitraries.integers().between(0, 10_000),
                        Arbitraries.of(VALUES),
                        Arbitraries.of(AROUND))
                .as(BrokenJson::broken);
    }

    private static String broken(String text, Way way, int where, String value, String around) {
        return switch (way) {
            case REPLACE, REMOVE, ADD, DUPLICATE -> {
                JsonNode root = SchemaArbitraries.parsed(text);
                List<JsonNode> parents = new ArrayList<>();
                collect(root, parents);
                yield parents.isEmpty()
                        ? value
                        : bytes(changed(root, parents.get(where % parents.size()), way, where, value));
            }
            case TRUNCATE -> text.substring(0, where % text.length());
            case APPEND -> text + around;
            case PREPEND -> around + text;
        };
    }

    /** Characters that were escaped in the text, and are none of one byte, become their bytes in UTF-8. */
    private static String bytes(String text) {
        StringBuilder bytes = new StringBuilder();
        text.codePoints()
                .mapToObj(Character::toString)
                .map(c -> c.charAt(0) <= 0xFF ? c : new String(c.getBytes(UTF_8), ISO_8859_1))
                .forEach(bytes::append);
        return bytes.toString();
    }

    private static void collect(JsonNode node, List<JsonNode> parents) {
        if (node.isContainer() && !node.isEmpty()) {
            parents.add(node);
            node.values().forEach(child -> collect(child, parents));
        }
    }

    private static String changed(JsonNode root, JsonNode parent, Way way, int where, String value) {
        String place = "\"" + PLACE + "\"";
        if (parent instanceof ObjectNode object) {
            List<String> names = List.copyOf(object.propertyNames());
            String name = names.get(where % names.size());
            switch (way) {
                case REPLACE -> object.put(name, PLACE);
                case REMOVE -> object.remove(name);
                case ADD -> object.put(where % 2 == 0 ? "added" : name.toUpperCase(Locale.ROOT), PLACE);
                default -> {
                    object.put(PLACE, PLACE);
                    return root.toString()
                            .replace(place + ":", "\"" + name + "\":")
                            .replace(place, value);
                }
            }
        } else if (parent instanceof ArrayNode array) {
            int index = where % array.size();
            switch (way) {
                case REPLACE -> array.set(index, PLACE);
                case REMOVE -> array.remove(index);
                default -> array.insert(index, PLACE);
            }
        }
        return root.toString().replace(place, value);
    }
}
