package io.tally.openapi;

import static java.nio.charset.StandardCharsets.UTF_8;

import java.math.BigInteger;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.TreeMap;
import java.util.regex.Pattern;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import net.jqwik.api.Arbitraries;
import net.jqwik.api.Arbitrary;
import net.jqwik.api.Combinators;
import net.jqwik.api.Tuple;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/**
 * Values that the schemas of an OpenAPI file allow, boundaries included. Of each kind of name there are few, so that
 * requests meet at the same things.
 *
 * <p>Knows the keywords that schemas of requests in the file use. An unknown type fails the test.
 */
final class SchemaArbitraries {

    private static final JsonMapper JSON = new JsonMapper();

    private static final BigInteger LONG_MIN = BigInteger.valueOf(Long.MIN_VALUE);
    private static final BigInteger LONG_MAX = BigInteger.valueOf(Long.MAX_VALUE);

    /** What names may consist of: ASCII, and a code point of each kind that is treated specially somewhere. */
    private static final List<String> CHARACTERS = Stream.concat(
                    IntStream.rangeClosed(' ', '~').mapToObj(Character::toString),
                    Stream.of(
                            "\u00A0",
                            "\u00AD",
                            "\u00DF",
                            "\u00FC",
                            "\u0130",
                            "\u0301",
                            "\u05D0",
                            "\u0660",
                            "\u200B",
                            "\u2028",
                            "\u202E",
                            "\u2603",
                            "\u6F22",
                            "\uE000",
                            "\uFEFF",
                            "\uFFFD",
                            "\uFFFF",
                            "\uD83D\uDE00",
                            "\uDBFF\uDFFF"))
            .toList();

    private static final String LONGEST = "\uD83D\uDE00".repeat(64);

    /** Names by the parameter or member that they are for. */
    private static final Map<String, List<String>> FEW = Map.of(
            "namespace", List.of("shop", "n-1", "A.b_c", "acme:stock"),
            "namespaces", List.of("*", "shop", "shop-*", "n-1", "acme:*"),
            "id", List.of("0123456789Ab", "zzzzzzzzzzzz"),
            "name",
                    List.of(
                            "stock",
                            "likes",
                            "sold",
                            "a/b",
                            "50%",
                            "%2F",
                            "z\u00E4hler \u2603",
                            "events",
                            "members",
                            "...",
                            "a+b c",
                            "a?b#c&d=e",
                            ";v=1",
                            "\\",
                            "\"q\"",
                            LONGEST),
            "member", List.of("ann", "bob", "a/b", "%41", "\u00FC", LONGEST),
            "key", List.of("k1", "k2", "k".repeat(255)),
            "Idempotency-Key", List.of("k1", "\"k1\"", "k2", "\"a\\\"b\"", "k".repeat(255)));

    /** Texts of members whose rules the file has in words. */
    private static final Map<String, List<String>> DESCRIBED = Map.of(
            "every", List.of("PT1M", "PT24H", "P1D", "P1W", "P1M", "P100Y"),
            "anchor", List.of("2026-01-31", "2024-02-29", "2026-10-25T02:30:00+01:00", "0001-01-01", "9999-12-31"),
            "zone", List.of("UTC", "Europe/Berlin", "America/New_York", "+05:45"));

    private final JsonNode file;

    SchemaArbitraries(JsonNode file) {
        this.file = file;
    }

    /** A node of the file, or the one that it refers to. */
    JsonNode resolve(JsonNode node) {
        String reference = node.path("$ref").asString("");
        return reference.isEmpty() ? node : resolve(file.at(reference.substring(1)));
    }

    // ---- JSON

    /**
     * The JSON texts of values.
     *
     * @param name of the member or parameter, empty where there is none
     */
    Arbitrary<String> json(JsonNode unresolved, String name) {
        JsonNode schema = resolve(unresolved);
        if (schema.has("oneOf")) {
            return Arbitraries.oneOf(schema.path("oneOf").values().stream()
                    .map(alternative -> json(within(schema, resolve(alternative)), name))
                    .toList());
        }
        if (schema.has("const")) {
            return Arbitraries.just(schema.path("const").toString());
        }
        return Arbitraries.oneOf(
                types(schema).map(type -> ofType(type, schema, name)).toList());
    }

    private static Stream<String> types(JsonNode schema) {
        JsonNode type = schema.path("type");
        return type.isArray() ? type.values().stream().map(JsonNode::asString) : Stream.of(type.asString(""));
    }

    /** A text of digits stands for a number, whose range is with the alternative that is a number. */
    private JsonNode within(JsonNode alternatives, JsonNode alternative) {
        if (!isText(alternative) || alternative.has("minimum")) {
            return alternative;
        }
        return alternatives.path("oneOf").values().stream()
                .map(this::resolve)
                .filter(other -> other.has("minimum"))
                .findFirst()
                .<JsonNode>map(number -> JSON.createObjectNode()
                        .setAll(Map.of("minimum", number.path("minimum"), "maximum", number.path("maximum")))
                        .setAll((tools.jackson.databind.node.ObjectNode) alternative))
                .orElse(alternative);
    }

    private static boolean isText(JsonNode schema) {
        return types(schema).anyMatch("string"::equals);
    }

    private Arbitrary<String> ofType(String type, JsonNode schema, String name) {
        return switch (type) {
            case "null" -> Arbitraries.just("null");
            case "boolean" -> Arbitraries.of("true", "false");
            case "integer" -> integers(schema).map(String::valueOf);
            case "string" ->
                Combinators.combine(texts(schema, name), Arbitraries.of(false, false, false, true))
                        .as(SchemaArbitraries::quoted);
            case "array" -> array(schema, name);
            case "object" -> object(schema);
            default -> throw new IllegalArgumentException("no type: " + schema);
        };
    }

    private static String quoted(String text, boolean escaped) {
        if (!escaped) {
            return JSON.writeValueAsString(text);
        }
        StringBuilder quoted = new StringBuilder("\"");
        text.chars().forEach(c -> quoted.append("\\u%04x".formatted(c)));
        return quoted.append('"').toString();
    }

    private Arbitrary<String> array(JsonNode schema, String name) {
        int min = schema.path("minItems").asInt(0);
        int max = schema.path("maxItems").asInt(5);
        Arbitrary<String> item = json(schema.path("items"), name.equals("namespaces") ? name : "name");
        Arbitrary<List<String>> few = item.list().ofMinSize(min).ofMaxSize(Math.min(max, 5));
        Arbitrary<List<String>> most = item.list().ofSize(max);
        return Arbitraries.frequencyOf(Tuple.of(40, few), Tuple.of(1, most))
                .map(items -> "[" + String.join(",", items) + "]");
    }

    private Arbitrary<String> object(JsonNode schema) {
        Set<String> required = new HashSet<>();
        schema.path("required").values().forEach(name -> required.add(name.asString()));
        List<Arbitrary<String>> members = new ArrayList<>();
        schema.path("properties").properties().forEach(property -> {
            Arbitrary<String> member =
                    json(property.getValue(), property.getKey()).map(value -> "\"" + property.getKey() + "\":" + value);
            members.add(
                    required.contains(property.getKey()) ? member : Arbitraries.oneOf(Arbitraries.just(""), member));
        });
        Arbitrary<List<String>> values = Combinators.combine(members)
                .as(list -> list.stream().filter(member -> !member.isEmpty()).toList());
        return values.flatMap(list -> Arbitraries.shuffle(list))
                .map(list -> "{" + String.join(",", list) + "}")
                .filter(SchemaArbitraries::isInPlace);
    }

    /**
     * What the descriptions say of members together: bounds are in order, characters of an alphabet differ, times of
     * expiry exclude each other, and administrators have all namespaces.
     */
    private static boolean isInPlace(String text) {
        JsonNode object = JSON.readTree(text);
        BigInteger min = limit(object.path("min"), LONG_MIN);
        BigInteger max = limit(object.path("max"), LONG_MAX);
        BigInteger initial = limit(object.path("initial"), BigInteger.ZERO);
        String alphabet = object.path("alphabet").asString("");
        boolean administers = object.path("actions")
                .valueStream()
                .anyMatch(action -> action.asString("").equals("admin"));
        return min.compareTo(max) <= 0
                && isBetween(initial, min, max)
                && !(object.has("ttlSeconds") && object.has("expiresAt"))
                && (!administers
                        || object.path("namespaces")
                                .valueStream()
                                .anyMatch(each -> each.asString("").equals("*")))
                && alphabet.chars().distinct().count() == alphabet.length();
    }

    private static boolean isBetween(BigInteger value, BigInteger min, BigInteger max) {
        return min.compareTo(value) <= 0 && value.compareTo(max) <= 0;
    }

    private static BigInteger limit(JsonNode number, BigInteger absent) {
        return number.isNull() || number.isMissingNode() ? absent : new BigInteger(number.asString());
    }

    // ---- numbers

    /** Most are small, so that few increments exceed 64 bits. */
    Arbitrary<BigInteger> integers(JsonNode schema) {
        BigInteger min = schema.has("minimum") ? schema.path("minimum").bigIntegerValue() : LONG_MIN;
        BigInteger max = schema.has("maximum") ? schema.path("maximum").bigIntegerValue() : LONG_MAX;
        List<BigInteger> edges = Stream.of(
                        min,
                        min.add(BigInteger.ONE),
                        max.subtract(BigInteger.ONE),
                        max,
                        BigInteger.valueOf(9_007_199_254_740_993L))
                .filter(edge -> isBetween(edge, min, max))
                .distinct()
                .toList();
        BigInteger low = min.max(BigInteger.valueOf(-9));
        BigInteger high = max.min(low.add(BigInteger.valueOf(18)));
        return Arbitraries.frequencyOf(
                Tuple.of(8, Arbitraries.bigIntegers().between(low, high)),
                Tuple.of(1, Arbitraries.of(edges)),
                Tuple.of(1, Arbitraries.bigIntegers().between(min, max)));
    }

    // ---- texts

    /** The texts of parameters and of strings in JSON. */
    Arbitrary<String> texts(JsonNode unresolved, String name) {
        JsonNode schema = resolve(unresolved);
        if (schema.has("enum")) {
            return Arbitraries.of(schema.path("enum").values().stream()
                    .map(JsonNode::asString)
                    .toList());
        }
        if (DESCRIBED.containsKey(name)) {
            return Arbitraries.of(DESCRIBED.get(name));
        }
        if (schema.path("format").asString("").equals("uuid")) {
            return Combinators.combine(Arbitraries.longs(), Arbitraries.longs())
                    .as((high, low) -> new java.util.UUID(high, low).toString());
        }
        if (schema.path("format").asString("").equals("date-time")) {
            return Arbitraries.longs()
                    .between(3_600, 315_000_000)
                    .map(seconds -> Instant.now().plusSeconds(seconds).toString());
        }
        if (!isText(schema) || isOfDigits(schema)) {
            return integers(schema).map(String::valueOf).filter(text -> isAllowed(schema, text));
        }
        List<String> characters = CHARACTERS.stream()
                .filter(c -> isAllowed(schema, c) || isAllowed(schema, "a" + c))
                .toList();
        int max = schema.path("maxLength").asInt(64);
        List<String> longest = characters.stream()
                .map(c -> c.repeat(max / c.getBytes(UTF_8).length))
                .filter(text -> isAllowed(schema, text))
                .toList();
        List<String> few = FEW.getOrDefault(name, List.of()).stream()
                .filter(text -> isAllowed(schema, text))
                .toList();
        Map<Integer, Arbitrary<String>> weighted = new TreeMap<>();
        if (!characters.isEmpty()) {
            weighted.put(4, any(schema, characters, max));
        }
        if (!longest.isEmpty()) {
            weighted.put(1, Arbitraries.of(longest));
        }
        if (!few.isEmpty()) {
            // The first are the most frequent.
            weighted.put(30, Arbitraries.oneOf(Arbitraries.of(few.subList(0, 2)), Arbitraries.of(few)));
        }
        return Arbitraries.frequencyOf(weighted.entrySet().stream()
                .map(entry -> Tuple.of(entry.getKey(), entry.getValue()))
                .toList());
    }

    private static Arbitrary<String> any(JsonNode schema, List<String> characters, int max) {
        return Arbitraries.of(characters)
                .list()
                .ofMinSize(1)
                .ofMaxSize(Math.min(max, 8))
                .map(list -> String.join("", list))
                .filter(text -> isAllowed(schema, text));
    }

    private static boolean isOfDigits(JsonNode schema) {
        return schema.has("pattern") && isMatch(schema, "7") && !isMatch(schema, "a");
    }

    private static boolean isMatch(JsonNode schema, String text) {
        // In ECMA-262 the dollar sign is the end, and not also a line break before it.
        String pattern = schema.path("pattern").asString("").replaceFirst("\\$$", "\\\\z");
        return Pattern.compile(pattern).matcher(text).find();
    }

    /** In names, the longest length counts bytes, and those of dots alone are not created. */
    private static boolean isAllowed(JsonNode schema, String text) {
        return isMatch(schema, text)
                && !text.equals(".")
                && !text.equals("..")
                && text.length() >= schema.path("minLength").asInt(0)
                && text.getBytes(UTF_8).length <= schema.path("maxLength").asInt(Integer.MAX_VALUE);
    }

    static JsonNode parsed(String text) {
        return Objects.requireNonNull(JSON.readTree(text));
    }
}
