package io.tally.openapi;

import static java.nio.charset.StandardCharsets.ISO_8859_1;
import static java.nio.charset.StandardCharsets.UTF_8;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.ArrayList;
import java.util.EnumSet;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import java.util.stream.Stream;
import java.util.zip.GZIPOutputStream;
import net.jqwik.api.Arbitraries;
import net.jqwik.api.Arbitrary;
import net.jqwik.api.Combinators;
import net.jqwik.api.Tuple;
import net.jqwik.api.Tuple.Tuple2;
import tools.jackson.databind.JsonNode;

/** Requests generated from an OpenAPI file: more than half of them allowed by it, others broken in one place or two. */
final class RequestArbitraries {

    /** What may be broken. */
    private enum Place {
        METHOD,
        PATH,
        QUERY,
        CONDITION,
        KEY,
        OTHER_FIELD,
        ACCEPT,
        TYPE,
        CODING,
        BODY,
        FRAME
    }

    private static final List<String> METHODS =
            List.of("HEAD", "OPTIONS", "GET", "PUT", "POST", "PATCH", "DELETE", "TRACE", "get", "FOO");

    /** Segments of paths, encoded. */
    private static final List<String> SEGMENTS = List.of(
            "",
            ".",
            "..",
            "%2e",
            "%2E%2E",
            "%",
            "%4",
            "%zz",
            "%00",
            "%0A",
            "%7F",
            "%C2%80",
            "%FF",
            "%C0%AF",
            "%ED%A0%80",
            "%F5%80%80%80",
            "\u00FC",
            "\u00C3\u00BC",
            "a;b=c",
            "a|b",
            "a\"b",
            "{name}",
            "-x",
            "a:b",
            "a:",
            "a:b:c",
            "a+b",
            "%20",
            "%25",
            "events",
            "increments",
            "x".repeat(64),
            "x".repeat(65),
            "n".repeat(257),
            "%C3%BC".repeat(129),
            "n".repeat(5_000));

    /** Values of queries, encoded. */
    private static final List<String> VALUES = List.of(
            "",
            "0",
            "-1",
            "1",
            "+1",
            "%201",
            "1.0",
            "1e2",
            "0x1",
            "1001",
            "2147483648",
            "9223372036854775808",
            "%D9%A1",
            "x",
            "lower",
            "Lower",
            "%6Cower",
            "null",
            "%00",
            "%FF",
            "%",
            "%zz",
            "a%26b",
            "a=b",
            "!!!",
            "AAAA",
            "AA==",
            "_-_-",
            "-value%20",
            "a|b",
            "\u00C3\u00BC",
            "n".repeat(257),
            "A".repeat(2_049));

    private static final List<String> QUERIES =
            List.of("x=1", "&&", "=", "%zz=1", "%00=1", "?", "a;b", "x".repeat(5_000), "name=a&name=a");

    /** Values of conditions. */
    private static final List<String> TAGS = List.of(
            "",
            "1",
            "\"",
            "\"1",
            "1\"",
            "\"1\" \"2\"",
            "\"1\",",
            ",",
            "W/",
            "W/\"1\"",
            "w/\"1\"",
            "*, \"1\"",
            "**",
            "\"*\"",
            "\"0\"",
            "\"01\"",
            "\"\"",
            "\"9223372036854775807\"",
            "\"99999999999999999999\"",
            "\"\u00FC\"",
            "\"\u0001\"",
            "\"1\"\u0000");

    private static final List<String> KEYS = List.of(
            "",
            "\"\"",
            "\"",
            "\"a",
            "a\"",
            "\"a\"b",
            "\"a\\\"",
            "\"a\\b\"",
            "a b",
            "\"a b\"",
            "a\tb",
            "a\u0001b",
            "a\u007Fb",
            "\u00FC",
            "\u00C3\u00BC",
            "k".repeat(256),
            "\"" + "k".repeat(256) + "\"",
            "a,b",
            "k\r\nIdempotency-Key: l");

    private static final List<String> OTHERS = List.of(
            "",
            "x y",
            "\u00FC",
            "a\u0001",
            "i".repeat(129),
            "return",
            "return=",
            "=",
            ";;",
            "return=\"minimal\"",
            "RETURN=minimal",
            "return=representation",
            "return=minimal, return=representation",
            "wait=1; x",
            "0",
            "1,2,3",
            "-1",
            "99999999999999999999",
            "gzip;q=0",
            "gzip;q=x",
            "*",
            ",");

    private static final List<String> ACCEPTED = List.of(
            "",
            "x/y",
            "*",
            "application/*",
            "text/*",
            "application/json;q=0",
            "*/*;q=0",
            "application/json;q=2",
            "application/json;q=x",
            "application/json;charset=utf-16",
            "application/problem+json",
            "application/json",
            "application/x-ndjson",
            "text/event-stream",
            "application/json, text/event-stream",
            "a/b/c",
            ",",
            ";",
            "\u00FC/\u00FC",
            "*/json");

    private static final String NO_TYPE = "none";

    private static final List<String> TYPES = List.of(
            NO_TYPE,
            "",
            "application/json",
            "application/x-ndjson",
            "application/merge-patch+json",
            "application/json;charset=utf-8",
            "APPLICATION/JSON; charset=\"UTF-8\"",
            "application/json;charset=utf-16",
            "application/json;charset=nope",
            "application/json;",
            "application/json, application/json",
            "application",
            "application/",
            "/json",
            "application/*",
            "*/*",
            "application/jsonx",
            "application/problem+json",
            "application/x-www-form-urlencoded",
            "multipart/form-data",
            "text/plain",
            "\u00FC");

    private static final List<String> CODINGS =
            List.of("", "br", "deflate", "x-gzip", "gzip, gzip", "GZIP", "gzip;q=1", "identity", "gzip", ",", "\u00FC");

    private static final List<String> FRAMES = List.of(
            "Host: another",
            "Transfer-Encoding: gzip, chunked",
            "Transfer-Encoding: chunked, chunked",
            "Transfer-Encoding: identity",
            "Content-Length: 1",
            "Content-Length: -1",
            "Content-Length: x",
            "Expect: 100-continue",
            "Expect: x",
            "Connection: close",
            "Connection: upgrade\r\nUpgrade: h2c",
            "X-Filler: " + "x".repeat(9_000),
            "X Y: z",
            "X-No-Colon",
            ": no name",
            "X-Folded: a\r\n b",
            "X-Control: \u0001",
            "X-Null: \u0000",
            "Range: bytes=0-1",
            "Origin: null",
            "Cookie: " + "c=d; ".repeat(200),
            "X-Forwarded-For: x",
            "Forwarded: for=\"");

    private final JsonNode file;
    private final String authorization;
    private final SchemaArbitraries schemas;

    /**
     * Of the operations of a file.
     *
     * @param authorization the value of each request's field of that name
     */
    RequestArbitraries(JsonNode file, String authorization) {
        this.file = file;
        this.authorization = authorization;
        this.schemas = new SchemaArbitraries(file);
    }

    /** An operation of the file. */
    private record Described(String path, String method, JsonNode operation) {

        String id() {
            return operation.path("operationId").asString();
        }

        /** Requests that take long, or are for people, are the fewest. */
        int weight() {
            return !path.startsWith("/v1/") || path.startsWith("/v1/lab") || path.equals("/v1/audits") ? 1 : 6;
        }

        boolean isStreamed() {
            return operation.path("requestBody").toString().contains("x-item-schema");
        }
    }

    /** Requests to all operations. */
    Arbitrary<FuzzedRequest> requests() {
        List<Tuple2<Integer, Described>> operations = new ArrayList<>();
        file.path("paths")
                .properties()
                .forEach(path -> path.getValue().properties().forEach(method -> {
                    Described described =
                            new Described(path.getKey(), method.getKey().toUpperCase(Locale.ROOT), method.getValue());
                    operations.add(Tuple.of(described.weight(), described));
                }));
        List<Tuple2<Integer, Arbitrary<FuzzedRequest>>> each = new ArrayList<>();
        operations.forEach(operation -> each.add(Tuple.of(operation.get1(), requests(operation.get2()))));
        return Arbitraries.frequencyOf(each);
    }

    private Arbitrary<FuzzedRequest> requests(Described operation) {
        Arbitrary<Place> place = Arbitraries.of(Place.values());
        return Arbitraries.frequencyOf(
                        Tuple.of(11, Arbitraries.just(EnumSet.noneOf(Place.class))),
                        Tuple.of(7, place.map(EnumSet::of)),
                        Tuple.of(2, Combinators.combine(place, place).as(EnumSet::of)))
                .flatMap(broken -> requests(operation, broken));
    }

    /** What a body is, and the fields that say so. */
    private record Content(List<String> fields, String body, boolean dryRun) {

        Content(List<String> fields, String body) {
            this(fields, body, body.contains("\"dryRun\":true"));
        }
    }

    private Arbitrary<FuzzedRequest> requests(Described operation, Set<Place> broken) {
        List<String> reasons = broken.stream().map(Enum::name).toList();
        Arbitrary<Content> content = Combinators.combine(
                        contents(operation, broken), Arbitraries.of(false, false, false, true))
                .as((described, chunked) -> framed(described, chunked));
        return Combinators.combine(
                        broken.contains(Place.METHOD) ? Arbitraries.of(METHODS) : Arbitraries.just(operation.method()),
                        segments(operation, broken.contains(Place.PATH)),
                        query(operation, broken.contains(Place.QUERY)),
                        Arbitraries.of("HTTP/1.1", "HTTP/1.1", "HTTP/1.1", "HTTP/1.1", "HTTP/1.0"),
                        fields(operation, broken),
                        content,
                        broken.contains(Place.FRAME)
                                ? Arbitraries.of(FRAMES).map(List::of)
                                : Arbitraries.just(List.<String>of()))
                .as((method, segments, query, version, fields, described, frame) -> {
                    boolean chunked = described.fields().contains("Transfer-Encoding: chunked");
                    List<String> lines = new ArrayList<>(List.of("Host: tally", "Authorization: " + authorization));
                    fields.stream()
                            .filter(field -> broken.contains(Place.KEY) || !described.dryRun() || !isKey(field))
                            .forEach(lines::add);
                    lines.addAll(described.fields());
                    lines.addAll(frame);
                    // Chunks are of 1.1.
                    return new FuzzedRequest(
                            operation.id(),
                            method,
                            segments,
                            query,
                            chunked ? "HTTP/1.1" : version,
                            lines,
                            described.body(),
                            chunked,
                            described.dryRun(),
                            reasons);
                });
    }

    /** The description of {@code dryRun} excludes it. */
    private static boolean isKey(String field) {
        return field.startsWith("Idempotency-Key:");
    }

    private static Content framed(Content content, boolean chunked) {
        List<String> fields = new ArrayList<>(content.fields());
        if (!content.body().isEmpty()) {
            fields.add(
                    chunked
                            ? "Transfer-Encoding: chunked"
                            : "Content-Length: " + content.body().length());
        }
        return new Content(fields, content.body(), content.dryRun());
    }

    // ---- targets

    private Stream<JsonNode> parameters(Described operation, String in) {
        return operation.operation().path("parameters").values().stream()
                .map(schemas::resolve)
                .filter(parameter -> parameter.path("in").asString().equals(in));
    }

    private static String name(JsonNode parameter) {
        return parameter.path("name").asString();
    }

    private Arbitrary<List<String>> segments(Described operation, boolean broken) {
        List<Arbitrary<String>> segments = new ArrayList<>();
        int places = 0;
        for (String segment : operation.path().split("/", -1)) {
            if (segment.startsWith("{")) {
                places++;
                String name = segment.substring(1, segment.length() - 1);
                JsonNode parameter = parameters(operation, "path")
                        .filter(each -> name(each).equals(name))
                        .findFirst()
                        .orElseThrow();
                segments.add(segment(name, parameter));
            } else {
                segments.add(Arbitraries.just(segment));
            }
        }
        Arbitrary<List<String>> allowed = Combinators.combine(segments).as(List::copyOf);
        int last = segments.size() - 1;
        return !broken
                ? allowed
                : Combinators.combine(
                                allowed,
                                Arbitraries.integers().between(Math.max(1, last - Math.max(places, 1)), last),
                                Arbitraries.of(SEGMENTS))
                        .as((path, index, segment) -> {
                            List<String> changed = new ArrayList<>(path);
                            changed.set(index, segment);
                            return changed;
                        });
    }

    private Arbitrary<String> segment(String name, JsonNode parameter) {
        Arbitrary<String> any = Combinators.combine(
                        schemas.texts(parameter.path("schema"), name), Arbitraries.of(0, 0, 0, 1, 2))
                .as((text, way) -> switch (way) {
                    case 0 -> Percent.strictly(text);
                    case 1 -> Percent.leniently(text);
                    default -> Percent.fully(text);
                });
        return Set.of("token", "id").contains(name)
                ? Arbitraries.frequencyOf(Tuple.of(4, places(name)), Tuple.of(1, any))
                : any;
    }

    private static Arbitrary<String> places(String kind) {
        return Arbitraries.integers().between(0, 9).map(number -> Learned.place(kind, number));
    }

    private Arbitrary<List<String>> query(Described operation, boolean broken) {
        List<Arbitrary<List<String>>> parameters = new ArrayList<>();
        List<String> wrong = new ArrayList<>(QUERIES);
        parameters(operation, "query").forEach(parameter -> {
            Arbitrary<List<String>> present = parameter(parameter);
            parameters.add(
                    parameter.path("required").asBoolean(false)
                            ? present
                            : Arbitraries.frequencyOf(Tuple.of(3, Arbitraries.just(List.of())), Tuple.of(2, present)));
            wrong.add(name(parameter));
            VALUES.forEach(value -> wrong.add(name(parameter) + "=" + value));
        });
        Arbitrary<List<String>> allowed = Combinators.combine(parameters)
                .as(lists -> fitting(lists.stream().flatMap(List::stream).toList()));
        return !broken
                ? allowed
                : Combinators.combine(allowed, Arbitraries.of(wrong), Arbitraries.of(true, false))
                        .as((list, added, alone) -> {
                            List<String> changed = alone ? new ArrayList<>() : new ArrayList<>(list);
                            changed.add(added);
                            return changed;
                        });
    }

    /** A prefix is for the order by name only. */
    private static List<String> fitting(List<String> query) {
        return query.stream().noneMatch(parameter -> parameter.startsWith("prefix="))
                ? query
                : query.stream()
                        .filter(parameter -> !parameter.startsWith("sort="))
                        .toList();
    }

    private Arbitrary<List<String>> parameter(JsonNode parameter) {
        String name = name(parameter);
        JsonNode schema = schemas.resolve(parameter.path("schema"));
        if (name.equals("cursor")) {
            return places(name).map(place -> List.of(name + "=" + place));
        }
        if (schema.path("type").asString("").equals("array")) {
            return schemas.texts(schema.path("items"), name)
                    .list()
                    .ofMinSize(1)
                    .ofMaxSize(4)
                    .uniqueElements()
                    .map(values -> values.stream()
                            .map(value -> name + "=" + Percent.strictly(value))
                            .toList());
        }
        return schemas.texts(schema, name).map(value -> List.of(name + "=" + Percent.leniently(value)));
    }

    // ---- fields

    private Arbitrary<List<String>> fields(Described operation, Set<Place> broken) {
        List<Arbitrary<List<String>>> fields = new ArrayList<>();
        parameters(operation, "header")
                .filter(parameter -> !name(parameter).equals("Content-Encoding"))
                .forEach(parameter -> {
                    Arbitrary<String> value = field(operation, parameter, broken);
                    int weight = name(parameter).equals("If-Match")
                                    && operation.operation().path("responses").has("428")
                            ? 9
                            : 1;
                    fields.add(Arbitraries.frequencyOf(
                            Tuple.of(3, Arbitraries.just(List.of())),
                            Tuple.of(weight, value.map(text -> List.of(name(parameter) + ": " + text)))));
                });
        if (broken.contains(Place.KEY)) {
            fields.add(Arbitraries.of(KEYS).map(key -> List.of("Idempotency-Key: " + key)));
        }
        Arbitrary<String> accepted =
                broken.contains(Place.ACCEPT) ? Arbitraries.of(ACCEPTED) : Arbitraries.of(accepted(operation));
        fields.add(Arbitraries.frequencyOf(
                Tuple.of(broken.contains(Place.ACCEPT) ? 0 : 2, Arbitraries.just(List.of())),
                Tuple.of(1, accepted.map(types -> List.of("Accept: " + types)))));
        return Combinators.combine(fields)
                .as(lists -> lists.stream().flatMap(List::stream).toList());
    }

    private Arbitrary<String> field(Described operation, JsonNode parameter, Set<Place> broken) {
        String name = name(parameter);
        boolean condition = name.startsWith("If-");
        if (condition && broken.contains(Place.CONDITION)) {
            return Arbitraries.of(TAGS);
        }
        if (!condition && broken.contains(Place.OTHER_FIELD)) {
            return Arbitraries.of(OTHERS);
        }
        return switch (name) {
            case "If-None-Match" ->
                operation.method().equals("GET")
                        ? Arbitraries.of("*", "\"1\"", "\"2\"", "W/\"1\"", "\"1\", \"2\"", "\"x\"")
                        : Arbitraries.just("*");
            case "If-Match" ->
                Arbitraries.of("*", "*", "\"1\"", "\"1\",\"2\", \"3\"", "\"4\"", "W/\"1\"", "\"\", \"a,b\"", "\"x\"");
            case "Accept-Encoding" -> Arbitraries.of("gzip", "identity", "gzip;q=0", "*", "br, gzip;q=0.5");
            case "Prefer" -> Arbitraries.of("return=minimal", "return=representation", "respond-async, wait=10");
            case "Last-Event-ID" -> Arbitraries.of("0", "1", "2,0", "x");
            case "X-Request-Id" -> Arbitraries.of("fuzz-1", "!~", "i".repeat(128));
            default -> schemas.texts(parameter.path("schema"), name).map(RequestArbitraries::bytes);
        };
    }

    /** The media types of successes; of those that depend on the body, all. */
    private List<String> accepted(Described operation) {
        Set<String> types = new LinkedHashSet<>();
        operation.operation().path("responses").properties().forEach(response -> {
            if (response.getKey().startsWith("2")) {
                types.addAll(
                        schemas.resolve(response.getValue()).path("content").propertyNames());
            }
        });
        List<String> accepted = new ArrayList<>(List.of("*/*"));
        if (!types.isEmpty()) {
            accepted.add(String.join(", ", types));
            accepted.add(String.join(",", types) + ";q=0.5, text/html;q=0.1");
            if (!operation.isStreamed() && !operation.path().equals("/docs/{file}")) {
                accepted.addAll(types);
            }
        }
        return accepted;
    }

    // ---- bodies

    private Arbitrary<Content> contents(Described operation, Set<Place> broken) {
        JsonNode body = schemas.resolve(operation.operation().path("requestBody"));
        List<Arbitrary<Content>> contents = new ArrayList<>();
        body.path("content")
                .properties()
                .forEach(type -> contents.add(contents(type.getKey(), type.getValue(), broken)));
        Content none = new Content(List.of(), "");
        if (body.isMissingNode()) {
            return broken.contains(Place.BODY) || broken.contains(Place.TYPE)
                    ? Arbitraries.of(
                            new Content(List.of("Content-Type: application/json"), "{}"),
                            new Content(List.of(), "x"),
                            new Content(List.of("Content-Type: text/plain"), "x".repeat(1_000)))
                    : Arbitraries.just(none);
        }
        if (broken.contains(Place.BODY)) {
            contents.add(Arbitraries.of(none, new Content(List.of("Content-Type: application/json"), "")));
        }
        if (!body.path("required").asBoolean(false) && !operation.isStreamed()) {
            contents.add(Arbitraries.just(none));
        }
        Arbitrary<Content> any = Arbitraries.oneOf(contents);
        boolean codings =
                parameters(operation, "header").anyMatch(field -> name(field).equals("Content-Encoding"));
        if (broken.contains(Place.CODING)) {
            return Combinators.combine(any, Arbitraries.of(CODINGS))
                    .as((content, coding) -> coded(content, coding, content.body()));
        }
        return codings
                ? Combinators.combine(any, Arbitraries.integers().between(0, 9)).as((content, way) -> switch (way) {
                    case 0 -> coded(content, "gzip", gzip(content.body()));
                    case 1 -> coded(content, "identity", content.body());
                    default -> content;
                })
                : any;
    }

    private static Content coded(Content content, String coding, String body) {
        List<String> fields = new ArrayList<>(content.fields());
        fields.add("Content-Encoding: " + coding);
        return new Content(fields, body, content.dryRun());
    }

    private Arbitrary<Content> contents(String type, JsonNode media, Set<Place> broken) {
        Arbitrary<List<String>> types = (broken.contains(Place.TYPE)
                        ? Arbitraries.of(TYPES)
                        : Arbitraries.of(type, type + ";charset=utf-8", type.toUpperCase(Locale.ROOT)))
                .map(name -> name.equals(NO_TYPE) ? List.<String>of() : List.of("Content-Type: " + name));
        boolean lines = media.has("x-item-schema");
        Arbitrary<String> allowed = schemas.json(media.path(lines ? "x-item-schema" : "schema"), "name")
                .map(RequestArbitraries::bytes);
        Arbitrary<String> sent = broken.contains(Place.BODY)
                ? Arbitraries.frequencyOf(Tuple.of(lines ? 1 : 0, allowed), Tuple.of(2, BrokenJson.near(allowed)))
                : allowed;
        Arbitrary<String> text = lines
                ? Combinators.combine(
                                sent.list().ofMaxSize(8),
                                Arbitraries.of("\n", "\n", "\r\n", "\n\n"),
                                Arbitraries.of("", "\n"))
                        .as((list, separator, end) -> String.join(separator, list) + end)
                : sent;
        return Combinators.combine(types, text).as(Content::new);
    }

    private static String bytes(String text) {
        return new String(text.getBytes(UTF_8), ISO_8859_1);
    }

    private static String gzip(String bytes) {
        ByteArrayOutputStream zipped = new ByteArrayOutputStream();
        try (GZIPOutputStream out = new GZIPOutputStream(zipped)) {
            out.write(bytes.getBytes(ISO_8859_1));
        } catch (IOException impossible) {
            throw new UncheckedIOException(impossible);
        }
        return zipped.toString(ISO_8859_1);
    }
}
