package io.tally.access;

import io.tally.http.Bodies;
import io.tally.http.Grant;
import java.time.Duration;
import java.time.Instant;
import java.time.OffsetDateTime;
import java.time.format.DateTimeParseException;
import java.util.List;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.JsonNode;

/**
 * A request for an access key.
 *
 * @param name 1 to 64 letters, digits, {@code .}, {@code _} or {@code -}, beginning with a letter or digit
 * @param perSecond 1 to {@link #PER_SECOND_MAX}; {@code null} for no limit
 * @param expiresAt in the future, at most {@link #LIFE_MAX} from now; {@code null} if the key never expires
 */
record NewKey(
        String name,
        List<Grant> grants,
        @Nullable Integer perSecond,
        @Nullable Instant expiresAt) {

    static final int PER_SECOND_MAX = 1_000_000;
    static final Duration LIFE_MAX = Duration.ofDays(3_650);
    static final Duration GRACE_DEFAULT = Duration.ofDays(1);
    static final Duration GRACE_MAX = Duration.ofDays(30);

    private static final Pattern NAME = Pattern.compile("[A-Za-z0-9][A-Za-z0-9._-]{0,63}");

    NewKey {
        grants = List.copyOf(grants);
    }

    /**
     * The key that a body describes.
     *
     * @throws io.tally.http.ProblemException with a message for the caller if it is malformed
     */
    static NewKey of(JsonNode json, Instant now) {
        String name = "";
        List<Grant> grants = List.of();
        Integer perSecond = null;
        Instant expiresAt = null;
        for (var member : Bodies.members(json)) {
            JsonNode value = member.getValue();
            switch (member.getKey()) {
                case "name" -> name = Bodies.text("name", value);
                case "grants" -> grants = GrantJson.grants(value);
                case "perSecond" -> perSecond = value.isNull() ? null : perSecond(value);
                case "expiresAt" -> expiresAt = value.isNull() ? null : expiry(value, now);
                default ->
                    throw Bodies.malformed(
                            "A new key must have no members but 'name', 'grants', 'perSecond' and 'expiresAt'.");
            }
        }
        if (!NAME.matcher(name).matches()) {
            throw Bodies.malformed(
                    "'name' must have 1 to 64 letters, digits, '.', '_' or '-' and begin with a letter" + " or digit.");
        }
        if (grants.isEmpty()) {
            throw Bodies.malformed("'grants' must be an array of 1 to " + GrantJson.MAX + " items.");
        }
        return new NewKey(name, grants, perSecond, expiresAt);
    }

    private static int perSecond(JsonNode value) {
        long perSecond = Bodies.number("perSecond", value);
        if (perSecond < 1 || perSecond > PER_SECOND_MAX) {
            throw Bodies.malformed("'perSecond' must be between 1 and " + PER_SECOND_MAX + ".");
        }
        return (int) perSecond;
    }

    private static Instant expiry(JsonNode value, Instant now) {
        Instant expiresAt = time(Bodies.text("expiresAt", value));
        if (!expiresAt.isAfter(now) || expiresAt.isAfter(now.plus(LIFE_MAX))) {
            throw Bodies.malformed(
                    "'expiresAt' must be in the future, at most " + LIFE_MAX.toDays() + " days from now.");
        }
        return expiresAt;
    }

    private static Instant time(String text) {
        try {
            return OffsetDateTime.parse(text).toInstant();
        } catch (DateTimeParseException malformed) {
            throw Bodies.malformed("'expiresAt' must be a time such as 2027-01-31T12:00:00Z.");
        }
    }

    /**
     * The grace of a rotation: {@code {"graceSeconds":86400}}.
     *
     * @throws io.tally.http.ProblemException with a message for the caller if it is malformed
     */
    static Duration grace(JsonNode json) {
        Duration grace = GRACE_DEFAULT;
        for (var member : Bodies.members(json)) {
            if (!member.getKey().equals("graceSeconds")) {
                throw Bodies.malformed("A rotation must have no member but 'graceSeconds'.");
            }
            long seconds = Bodies.number("graceSeconds", member.getValue());
            if (seconds < 0 || seconds > GRACE_MAX.toSeconds()) {
                throw Bodies.malformed("'graceSeconds' must be between 0 and " + GRACE_MAX.toSeconds() + ".");
            }
            grace = Duration.ofSeconds(seconds);
        }
        return grace;
    }

    AccessKey withId(String id, Instant now) {
        return new AccessKey(id, name, grants, perSecond, now, expiresAt, null, null);
    }
}
