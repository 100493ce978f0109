package io.tally.http;

import io.tally.counter.Bounds;
import io.tally.counter.Counter;
import io.tally.counter.CounterId;
import io.tally.counter.Edit;
import io.tally.counter.Expiry;
import io.tally.counter.NewCounter;
import io.tally.counter.Operation.Amend;
import io.tally.counter.Period;
import io.tally.counter.Precondition;
import io.tally.counter.Recurrence;
import java.time.DateTimeException;
import java.time.Instant;
import java.time.OffsetDateTime;
import java.time.temporal.ChronoUnit;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.JsonNode;

/** JSON bodies that describe a counter. */
public final class CounterBodies {

    private CounterBodies() {}

    /**
     * The member {@code defaults}, which is like the body of a new counter.
     *
     * @throws ProblemException if it is something else
     */
    public static NewCounter defaults(JsonNode json) {
        return newCounter(object("defaults", json));
    }

    /** {@code {"initial":0,"min":null,"max":null,"period":null,"ttlSeconds":null,"expiresAt":null}}. */
    static NewCounter newCounter(JsonNode json) {
        long initial = NewCounter.DEFAULT.initial();
        Long min = null;
        Long max = null;
        Recurrence recurrence = null;
        Edit<Expiry> expiry = Edit.keep();
        for (var member : Bodies.members(json)) {
            JsonNode value = member.getValue();
            switch (member.getKey()) {
                case "initial" -> initial = Bodies.int64(member.getKey(), value);
                case "min" -> min = Bodies.int64OrNull(member.getKey(), value);
                case "max" -> max = Bodies.int64OrNull(member.getKey(), value);
                case "period" -> recurrence = recurrence(value);
                case "ttlSeconds" -> expiry = expiry(expiry, ttl(value));
                case "expiresAt" -> expiry = expiry(expiry, expiresAt(value));
                default ->
                    throw Bodies.malformed("A new counter must have no members but 'initial', 'min', 'max', 'period',"
                            + " 'ttlSeconds' and 'expiresAt'.");
            }
        }
        return newCounter(initial, min, max, recurrence, expiry.after(null));
    }

    private static NewCounter newCounter(
            long initial,
            @Nullable Long min,
            @Nullable Long max,
            @Nullable Recurrence recurrence,
            @Nullable Expiry expiry) {
        return Bodies.checked(() -> new NewCounter(initial, new Bounds(min, max), recurrence, expiry));
    }

    /** A merge patch (RFC 7396) of a counter; {@code null} removes a property. */
    record Patch(
            @Nullable Long value,
            @Nullable Long initial,
            Edit<Long> min,
            Edit<Long> max,
            Edit<Recurrence> recurrence,
            Edit<Expiry> expiry) {

        static Patch of(JsonNode json) {
            Long value = null;
            Long initial = null;
            Edit<Long> min = Edit.keep();
            Edit<Long> max = Edit.keep();
            Edit<Recurrence> recurrence = Edit.keep();
            Edit<Expiry> expiry = Edit.keep();
            for (var member : Bodies.members(json)) {
                JsonNode node = member.getValue();
                switch (member.getKey()) {
                    case "value" -> value = Bodies.int64(member.getKey(), node);
                    case "initial" -> initial = Bodies.int64(member.getKey(), node);
                    case "min" -> min = new Edit.Set<>(Bodies.int64OrNull(member.getKey(), node));
                    case "max" -> max = new Edit.Set<>(Bodies.int64OrNull(member.getKey(), node));
                    case "period" -> recurrence = new Edit.Set<>(CounterBodies.recurrence(node));
                    case "ttlSeconds" -> expiry = CounterBodies.expiry(expiry, ttl(node));
                    case "expiresAt" -> expiry = CounterBodies.expiry(expiry, expiresAt(node));
                    default ->
                        throw Bodies.malformed("A patch must have no members but 'value', 'initial', 'min', 'max',"
                                + " 'period', 'ttlSeconds' and 'expiresAt'.");
                }
            }
            return new Patch(value, initial, min, max, recurrence, expiry);
        }

        Amend amend(CounterId counter, Precondition precondition) {
            return Bodies.checked(() -> new Amend(counter, value, initial, min, max, recurrence, expiry, precondition));
        }
    }

    private static @Nullable Recurrence recurrence(JsonNode json) {
        if (json.isNull()) {
            return null;
        }
        String every = null;
        String anchor = null;
        String zone = null;
        for (var member : object("period", json).properties()) {
            switch (member.getKey()) {
                case "every" -> every = Bodies.text(member.getKey(), member.getValue());
                case "anchor" -> anchor = textOrNull(member.getKey(), member.getValue());
                case "zone" -> zone = textOrNull(member.getKey(), member.getValue());
                default -> throw Bodies.malformed("'period' must have no members but 'every', 'anchor' and 'zone'.");
            }
        }
        if (every == null) {
            throw Bodies.malformed("'period' must have the member 'every'.");
        }
        return recurrence(every, anchor, zone);
    }

    private static Recurrence recurrence(String every, @Nullable String anchor, @Nullable String zone) {
        return Bodies.checked(() -> Recurrence.of(every, anchor, zone));
    }

    private static JsonNode object(String name, JsonNode json) {
        if (!json.isObject()) {
            throw Bodies.malformed("'" + name + "' must be a JSON object.");
        }
        return json;
    }

    private static @Nullable String textOrNull(String name, JsonNode json) {
        return json.isNull() ? null : Bodies.text(name, json);
    }

    private static Edit<Expiry> expiry(Edit<Expiry> before, @Nullable Expiry expiry) {
        Expiry other = before.after(null);
        if (other != null && expiry != null) {
            throw Bodies.malformed("'ttlSeconds' and 'expiresAt' exclude each other.");
        }
        return new Edit.Set<>(expiry == null ? other : expiry);
    }

    private static @Nullable Expiry ttl(JsonNode json) {
        Long seconds = Bodies.int64OrNull("ttlSeconds", json);
        return seconds == null ? null : Bodies.checked(() -> new Expiry.After(seconds));
    }

    private static @Nullable Expiry expiresAt(JsonNode json) {
        String text = textOrNull("expiresAt", json);
        return text == null ? null : Bodies.checked(() -> new Expiry.At(time(text)));
    }

    private static Instant time(String text) {
        try {
            // The database stores microseconds.
            return OffsetDateTime.parse(text).toInstant().truncatedTo(ChronoUnit.MICROS);
        } catch (DateTimeException unreadable) {
            throw new IllegalArgumentException("expiresAt must be a time such as 2026-12-31T23:59:59Z.", unreadable);
        }
    }

    /** The current period of a counter, and its rule. */
    public record PeriodView(String every, String anchor, String zone, Instant start, Instant end) {

        /** The view of a period; {@code null} for none. */
        public static @Nullable PeriodView of(@Nullable Period period) {
            return period == null
                    ? null
                    : new PeriodView(
                            period.recurrence().everyText(),
                            period.recurrence().anchorText(),
                            period.recurrence().zoneText(),
                            period.start(),
                            period.end());
        }
    }

    /** A counter. */
    public record CounterView(
            String namespace,
            String name,
            String kind,
            long value,
            long version,
            long initial,
            @Nullable Long min,
            @Nullable Long max,
            @Nullable PeriodView period,
            @Nullable Instant expiresAt,
            Instant createdAt,
            Instant updatedAt) {

        /** The view of a counter. */
        public static CounterView of(Counter counter) {
            return new CounterView(
                    counter.id().namespace(),
                    counter.id().name(),
                    counter.kind().label(),
                    counter.value(),
                    counter.version(),
                    counter.initial(),
                    counter.bounds().min(),
                    counter.bounds().max(),
                    PeriodView.of(counter.period()),
                    counter.expiresAt(),
                    counter.createdAt(),
                    counter.updatedAt());
        }
    }
}
