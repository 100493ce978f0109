package io.tally.http;

import com.fasterxml.jackson.annotation.JsonUnwrapped;
import io.tally.counter.CounterId;
import io.tally.counter.NewCounter;
import io.tally.counter.Operation.Increment;
import io.tally.counter.Outcome.DryRun;
import io.tally.counter.Outcome.Incremented;
import io.tally.counter.Outcome.IncrementedAtMost;
import io.tally.counter.Outcome.Moved;
import io.tally.counter.Outcome.Success;
import io.tally.counter.Outcome.TransactionApplied;
import io.tally.counter.Precondition;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.Function;
import java.util.function.LongFunction;
import java.util.function.Supplier;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;
import org.springframework.core.ResolvableType;
import org.springframework.core.io.buffer.DataBuffer;
import org.springframework.core.io.buffer.DataBufferUtils;
import org.springframework.http.HttpHeaders;
import org.springframework.http.InvalidMediaTypeException;
import org.springframework.http.MediaType;
import org.springframework.web.reactive.function.BodyExtractors;
import org.springframework.web.reactive.function.server.ServerRequest;
import org.springframework.web.server.UnsupportedMediaTypeStatusException;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;
import tools.jackson.core.JacksonException;
import tools.jackson.core.JsonParser;
import tools.jackson.core.JsonToken;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/** JSON bodies of requests and responses. */
public final class Bodies {

    /** The media types of a stream of JSON lines: the type of responses first, then other names of it. */
    public static final List<MediaType> LINES = List.of(
            MediaType.APPLICATION_NDJSON,
            new MediaType("application", "ndjson"),
            new MediaType("application", "jsonl"));

    private static final List<MediaType> JSON = List.of(MediaType.APPLICATION_JSON);

    /** The detail of the problem for an unreadable body. */
    static final String NOT_JSON = "The body is not valid JSON for this route.";

    /** An integer of JSON; 64 bits have at most 19 digits. */
    private static final Pattern INT64 = Pattern.compile("-?(?:0|[1-9][0-9]{0,18})");

    private Bodies() {}

    /** The body of a request as JSON; empty if it has none, with any type. */
    public static Mono<JsonNode> json(ServerRequest request) {
        return json(request, JSON);
    }

    /** The same, where the body may have one of these types. */
    static Mono<JsonNode> json(ServerRequest request, List<MediaType> types) {
        // Without this check, a request without body, and so without type, costs an exception and its stack trace.
        return hasBody(request.headers().asHttpHeaders())
                ? Mono.defer(() -> read(request, types))
                        .onErrorResume(Bodies::isUnsupported, refusal -> refuse(request, refusal))
                : Mono.empty();
    }

    /** Spring takes other types, and reads a body without a type before it refuses it. */
    private static Mono<JsonNode> read(ServerRequest request, List<MediaType> types) {
        return types.stream().anyMatch(type -> isOfType(request, type))
                ? request.bodyToMono(JsonNode.class)
                : Mono.error(new UnsupportedMediaTypeStatusException(
                        null, types, ResolvableType.forClass(JsonNode.class), request.method()));
    }

    private static boolean isUnsupported(Throwable failure) {
        return failure instanceof UnsupportedMediaTypeStatusException || failure instanceof InvalidMediaTypeException;
    }

    /** Refuses the body of a request, and is empty if there is none. The body has not been read. */
    static <T> Mono<T> refuse(ServerRequest request, Throwable refusal) {
        return request.headers().asHttpHeaders().getContentLength() > 0
                ? Mono.error(refusal)
                : buffers(request).next().flatMap(buffer -> {
                    DataBufferUtils.release(buffer);
                    return Mono.error(refusal);
                });
    }

    /**
     * A body that was read as JSON.
     *
     * @throws ProblemException if it is not JSON
     */
    public static JsonNode json(JsonMapper json, byte[] bytes) {
        try {
            return json.readValue(bytes, JsonNode.class);
        } catch (JacksonException malformed) {
            throw malformed(NOT_JSON);
        }
    }

    /** The body of a request as it arrives; empty without a body. */
    public static Flux<DataBuffer> buffers(ServerRequest request) {
        return request.body(BodyExtractors.toDataBuffers()).filter(Bodies::isReadable);
    }

    private static boolean isReadable(DataBuffer buffer) {
        // The filter discards one without bytes.
        return buffer.readableByteCount() > 0;
    }

    /** Whether the body of a request has that type, with any parameters. */
    public static boolean isOfType(ServerRequest request, MediaType type) {
        try {
            return request.headers()
                    .contentType()
                    .filter(type::equalsTypeAndSubtype)
                    .isPresent();
        } catch (InvalidMediaTypeException unreadable) {
            return false;
        }
    }

    static byte[] bytes(DataBuffer buffer) {
        byte[] bytes = new byte[buffer.readableByteCount()];
        buffer.read(bytes);
        DataBufferUtils.release(buffer);
        return bytes;
    }

    /** HTTP/1.1 (RFC 9112, section 6.3): without either field, a request has no body. One of chunks may be empty. */
    public static boolean hasBody(HttpHeaders fields) {
        return fields.getContentLength() > 0 || fields.containsHeader(HttpHeaders.TRANSFER_ENCODING);
    }

    /** {@code {"delta":1,"defaults":{…},"atMost":false,"dryRun":false}}. */
    public record IncrementBody(long delta, NewCounter defaults, boolean atMost, boolean dryRun) {

        /** What a request without a body means. */
        public static final IncrementBody ONE = new IncrementBody(1, NewCounter.DEFAULT, false, false);

        public static IncrementBody of(JsonNode json) {
            long delta = ONE.delta;
            NewCounter defaults = ONE.defaults;
            boolean atMost = false;
            boolean dryRun = false;
            for (var member : members(json)) {
                switch (member.getKey()) {
                    case "delta" -> delta = int64(member.getKey(), member.getValue());
                    case "defaults" -> defaults = CounterBodies.defaults(member.getValue());
                    case "atMost" -> atMost = bool(member.getKey(), member.getValue());
                    case "dryRun" -> dryRun = bool(member.getKey(), member.getValue());
                    default ->
                        throw malformed(
                                "An increment must have no members but 'delta', 'defaults', 'atMost' and 'dryRun'.");
                }
            }
            return new IncrementBody(delta, defaults, atMost, dryRun);
        }

        /** The increment of a counter. */
        public Increment increment(CounterId counter, Precondition precondition) {
            return checked(() -> new Increment(counter, delta, defaults, atMost, precondition));
        }
    }

    /** {@code {"results":[{"value":1,"version":1}]}}. */
    record TransactionView(List<ItemView> results) {

        /** The value after exactly one of the increments. */
        record ItemView(long value, long version) {}

        static TransactionView of(TransactionApplied applied) {
            return new TransactionView(applied.results().stream()
                    .map(result -> new ItemView(result.value(), result.version()))
                    .toList());
        }
    }

    /** Whether the member is one now, and the counter after exactly this operation. */
    public record MemberView(boolean member, long value, long version) {

        /** The view of a join or leave. */
        static MemberView of(Moved moved) {
            return new MemberView(moved.member(), moved.value(), moved.version());
        }
    }

    /** The value after exactly one increment. */
    public record IncrementView(long value, long version, long delta) {

        public static IncrementView of(Incremented incremented) {
            return new IncrementView(incremented.value(), incremented.version(), incremented.delta());
        }
    }

    /** The view of an outcome that was not applied, and {@code "dryRun":true}. */
    public record DryRunView(@JsonUnwrapped Object expected, boolean dryRun) {

        /** The view of a dry run of an increment or a transaction. */
        public static DryRunView of(DryRun dryRun) {
            return new DryRunView(
                    switch (dryRun.expected()) {
                        case Incremented incremented -> IncrementView.of(incremented);
                        case IncrementedAtMost atMost -> IncrementView.of(atMost.applied());
                        case TransactionApplied applied -> TransactionView.of(applied);
                        case Success other -> throw new IllegalArgumentException("has no dry run: " + other);
                    },
                    true);
        }
    }

    /**
     * Reads a whole body from its tokens, for bodies with many items.
     *
     * @param content reads the value at the parser's token, to its end
     * @throws ProblemException if the body is not JSON, or has content after the JSON
     */
    public static <T> T read(JsonMapper json, byte[] bytes, Function<JsonParser, T> content) {
        try (JsonParser parser = json.createParser(bytes)) {
            parser.nextToken();
            T read = content.apply(parser);
            if (parser.nextToken() != null) {
                throw malformed("The body must not have content after the JSON.");
            }
            return read;
        } catch (JacksonException malformed) {
            throw malformed("The body is not JSON.");
        }
    }

    /**
     * The items of the array that begins at the parser's token.
     *
     * @param what the name of the items, for the error message
     * @param item reads the value at the parser's token, to its end; its argument is the number of the item, from 1
     * @throws ProblemException if the value is no array, or too long
     */
    public static <T> List<T> array(JsonParser parser, int max, String what, LongFunction<T> item) {
        if (parser.currentToken() != JsonToken.START_ARRAY) {
            throw malformed("The " + what + " must be a JSON array.");
        }
        List<T> items = new ArrayList<>();
        while (parser.nextToken() != JsonToken.END_ARRAY) {
            if (items.size() == max) {
                throw new ProblemException(
                        ProblemType.CONTENT_TOO_LARGE,
                        "The array must have at most " + max + " " + what + ". A stream has no limit.");
            }
            items.add(item.apply(items.size() + 1L));
        }
        return items;
    }

    /**
     * The members of an object.
     *
     * @throws ProblemException if it is something else
     */
    public static Set<Map.Entry<String, JsonNode>> members(JsonNode json) {
        if (!json.isObject()) {
            throw malformed("The body must be a JSON object.");
        }
        return json.properties();
    }

    /** The same as {@link #int64}, or {@code null} for a JSON null. */
    public static @Nullable Long int64OrNull(String name, JsonNode json) {
        return json.isNull() ? null : int64(name, json);
    }

    /**
     * A 64-bit integer: a JSON number, or a string of its digits.
     *
     * @throws ProblemException if it is something else
     */
    public static Long int64(String name, JsonNode json) {
        Long digits = json.isString() ? int64(json.stringValue()) : null;
        return digits == null ? number(name, json) : digits;
    }

    /**
     * The 64-bit integer of a string, {@code null} if it has none. The string must be a JSON number without fraction
     * and exponent: many clients can represent larger integers in strings only.
     */
    public static @Nullable Long int64(String digits) {
        if (!INT64.matcher(digits).matches()) {
            return null;
        }
        try {
            return Long.valueOf(digits);
        } catch (NumberFormatException outOfRange) {
            return null;
        }
    }

    /**
     * A JSON number that is a 64-bit integer.
     *
     * @throws ProblemException if it is something else
     */
    public static Long number(String name, JsonNode json) {
        if (!json.isIntegralNumber() || !json.canConvertToLong()) {
            throw malformed("'" + name + "' must be a 64-bit integer.");
        }
        return json.longValue();
    }

    /**
     * A boolean.
     *
     * @throws ProblemException if it is something else
     */
    public static boolean bool(String name, JsonNode json) {
        if (!json.isBoolean()) {
            throw notBoolean(name);
        }
        return json.booleanValue();
    }

    /**
     * The boolean at the parser's token.
     *
     * @throws ProblemException if it is something else
     */
    public static boolean bool(String name, JsonParser parser) {
        return switch (parser.currentToken()) {
            case VALUE_TRUE -> true;
            case VALUE_FALSE -> false;
            default -> throw notBoolean(name);
        };
    }

    private static ProblemException notBoolean(String name) {
        return malformed("'" + name + "' must be true or false.");
    }

    /**
     * A string.
     *
     * @throws ProblemException if it is something else
     */
    public static String text(String name, JsonNode json) {
        if (!json.isString()) {
            throw malformed("'" + name + "' must be a string.");
        }
        return json.stringValue();
    }

    /** The problem of a missing body. */
    public static ProblemException missing() {
        return malformed("The body is missing.");
    }

    /** The problem of a malformed request. */
    public static ProblemException malformed(String detail) {
        return new ProblemException(ProblemType.MALFORMED, detail);
    }

    /** Turns an exception of the domain model into a problem for the caller. */
    public static <T> T checked(Supplier<T> value) {
        try {
            return value.get();
        } catch (IllegalArgumentException refused) {
            throw malformed(String.valueOf(refused.getMessage()));
        }
    }
}
