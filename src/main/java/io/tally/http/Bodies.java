package io.tally.http;

import com.fasterxml.jackson.annotation.JsonSetter;
import com.fasterxml.jackson.annotation.Nulls;
import io.tally.counter.Bounds;
import io.tally.counter.Counter;
import io.tally.counter.Operation.Limit;
import io.tally.counter.Outcome.Incremented;
import java.time.Instant;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.JsonNode;

/** What travels as JSON, in and out. */
final class Bodies {

    private Bodies() {}

    /** {@code {"delta":1}}. */
    record Delta(@JsonSetter(nulls = Nulls.FAIL) @Nullable Long delta) {

        static final Delta ONE = new Delta(null);

        long orOne() {
            return delta == null ? 1 : delta;
        }
    }

    /** {@code {"initial":0,"min":null,"max":null}}. */
    record Initial(
            @JsonSetter(nulls = Nulls.FAIL) @Nullable Long initial,
            @Nullable Long min,
            @Nullable Long max) {

        static final Initial ZERO = new Initial(null, null, null);

        long orZero() {
            return initial == null ? 0 : initial;
        }

        Bounds bounds() {
            return checked(() -> new Bounds(min, max));
        }
    }

    /** A merge patch (RFC 7396) of {@code value}, {@code min} and {@code max}; {@code null} takes a bound away. */
    record Patch(@Nullable Long value, Limit min, Limit max) {

        static Patch of(JsonNode json) {
            if (!json.isObject()) {
                throw new ProblemException(ProblemType.MALFORMED, "A merge patch is a JSON object.");
            }
            Long value = null;
            Limit min = Limit.KEEP;
            Limit max = Limit.KEEP;
            for (var member : json.properties()) {
                switch (member.getKey()) {
                    case "value" -> value = number(member.getKey(), member.getValue());
                    case "min" -> min = limit(member.getKey(), member.getValue());
                    case "max" -> max = limit(member.getKey(), member.getValue());
                    default ->
                        throw new ProblemException(
                                ProblemType.MALFORMED, "A counter's value, min and max can be patched, nothing else.");
                }
            }
            return new Patch(value, min, max);
        }

        private static Limit limit(String name, JsonNode json) {
            return new Limit.Set(json.isNull() ? null : number(name, json));
        }

        private static Long number(String name, JsonNode json) {
            if (!json.isIntegralNumber() || !json.canConvertToLong()) {
                throw new ProblemException(ProblemType.MALFORMED, "'" + name + "' is a whole number of 64 bits.");
            }
            return json.longValue();
        }
    }

    /** A counter. */
    record CounterView(
            String namespace,
            String name,
            String kind,
            long value,
            long version,
            @Nullable Long min,
            @Nullable Long max,
            Instant createdAt,
            Instant updatedAt) {

        static CounterView of(Counter counter) {
            return new CounterView(
                    counter.id().namespace(),
                    counter.id().name(),
                    counter.kind().label(),
                    counter.value(),
                    counter.version(),
                    counter.bounds().min(),
                    counter.bounds().max(),
                    counter.createdAt(),
                    counter.updatedAt());
        }
    }

    /** The value after exactly one increment. */
    record IncrementView(long value, long version, long delta) {

        static IncrementView of(Incremented incremented) {
            return new IncrementView(incremented.value(), incremented.version(), incremented.delta());
        }
    }

    /** What the vocabulary refuses is the caller's mistake. */
    static <T> T checked(Supplier<T> value) {
        try {
            return value.get();
        } catch (IllegalArgumentException malformed) {
            throw new ProblemException(ProblemType.MALFORMED, String.valueOf(malformed.getMessage()));
        }
    }
}
