package io.tally.counter;

import java.time.DateTimeException;
import java.time.Duration;
import java.time.Instant;
import java.time.LocalDate;
import java.time.LocalDateTime;
import java.time.OffsetDateTime;
import java.time.Period;
import java.time.ZoneId;
import java.time.ZoneOffset;
import java.time.ZonedDateTime;
import java.time.format.DateTimeFormatter;
import java.time.temporal.ChronoUnit;
import java.time.temporal.TemporalAccessor;
import java.time.temporal.TemporalAmount;
import java.util.function.Function;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * A rule that divides all time into numbered periods. Period 0 begins at the anchor. Periods extend both ways.
 *
 * <p>A {@link Period} counts months or days on the local time-line of the zone, always from the anchor: monthly from 31
 * January, periods begin on 28 February and on 31 March. A start in a gap moves forward by the length of the gap. A
 * start in an overlap is the earlier of the two, except for the anchor. Thus a day may have 23 or 25 hours, and the
 * period of a day that the zone skipped is empty. A {@link Duration} counts exact seconds.
 *
 * <p>Rules with the same meaning are equal: {@code P1Y} and {@code P12M}, the zones {@code UTC} and {@code +00:00}. The
 * rules {@code P1D} and {@code PT24H} differ.
 *
 * @param every the length of a period: 1 to 1,200 months, 1 to 36,600 days, or 1 second to 36,600 days in whole seconds
 * @param anchor the start of period 0, in the years 1 to 9999 of its zone, in whole microseconds
 */
public record Recurrence(TemporalAmount every, ZonedDateTime anchor) {

    private static final int MONTHS_MAX = 1_200;
    private static final int DAYS_MAX = 36_600;

    // java.time also accepts signs, fractions, lower case and mixtures.
    private static final Pattern EVERY = Pattern.compile("P(?=\\d)(\\d{1,9}Y)?(\\d{1,9}M)?"
            + "|P(?=\\d)(\\d{1,9}W)?(\\d{1,9}D)?"
            + "|PT(?=\\d)(\\d{1,10}H)?(\\d{1,10}M)?(\\d{1,10}S)?");
    private static final Pattern ANCHOR =
            Pattern.compile("\\d{4}-\\d\\d-\\d\\d([Tt]\\d\\d:\\d\\d:\\d\\d(\\.\\d{1,6})?([Zz]|[+-]\\d\\d:\\d\\d))?");
    private static final Pattern ZONE = Pattern.compile(".{1,64}");

    private static final String EVERY_RULE = "every must be 1 to 1200 months (such as P1M or P1Y),"
            + " 1 to 36600 days (such as P1D or P1W),"
            + " or 1 second to 36600 days in hours, minutes and seconds (such as PT1M or PT24H).";
    private static final String ANCHOR_RULE = "anchor must be a date (such as 2026-01-31)"
            + " or a date-time with seconds and offset (such as 2026-01-31T09:30:00+01:00),"
            + " in the years 0001 to 9999 of the zone, with at most six decimal places.";
    private static final String ZONE_RULE = "zone must be an id of the tz database (such as Europe/Berlin) or an offset"
            + " (such as +02:00), with at most 64 characters.";

    /**
     * Gives the parts their canonical form.
     *
     * @throws IllegalArgumentException with a message for the caller if one is out of range
     */
    public Recurrence {
        every = canonical(every);
        // A zone that always has the same offset becomes that offset: "UTC", "Z" and "GMT" are the same rule.
        anchor = anchor.withZoneSameInstant(anchor.getZone().normalized());
        if (anchor.getYear() < 1 || anchor.getYear() > 9999 || anchor.getNano() % 1_000 != 0) {
            throw new IllegalArgumentException(ANCHOR_RULE);
        }
    }

    /**
     * The rule of a request.
     *
     * @param every a duration of ISO 8601 in upper case: years and months, weeks and days, or hours, minutes, seconds
     * @param anchor a full-date or date-time of RFC 3339, or {@code null} for 1970-01-01. A date is its midnight in the
     *     zone. A date-time is an instant: its offset has no meaning beyond that
     * @param zone an id of the tz database or an offset, or {@code null} for UTC
     * @throws IllegalArgumentException with a message for the caller if one is malformed or out of range
     */
    public static Recurrence of(String every, @Nullable String anchor, @Nullable String zone) {
        ZoneId id = read(zone == null ? "UTC" : zone, ZONE, ZoneId::of, ZONE_RULE);
        Function<String, ZonedDateTime> toAnchor = text -> text.length() == "2026-01-31".length()
                ? LocalDate.parse(text).atTime(0, 0).atZone(id)
                : OffsetDateTime.parse(text).atZoneSameInstant(id);
        return new Recurrence(
                readEvery(every), read(anchor == null ? "1970-01-01" : anchor, ANCHOR, toAnchor, ANCHOR_RULE));
    }

    /**
     * The rule with this canonical text. Where the zone has changed its offset since, a rule of months or days keeps
     * the local time of its anchor. A rule of seconds keeps the instant.
     *
     * @param text as from {@link #toString()}
     * @throws IllegalArgumentException if it is malformed, or if the tz database does not have the zone
     */
    public static Recurrence parse(String text) {
        int space = Math.max(0, text.indexOf(' '));
        TemporalAmount every = readEvery(text.substring(0, space));
        try {
            TemporalAccessor read = DateTimeFormatter.ISO_ZONED_DATE_TIME.parse(text.substring(space + 1));
            ZonedDateTime anchor = every instanceof Duration
                    ? ZonedDateTime.from(read)
                    : ZonedDateTime.ofLocal(LocalDateTime.from(read), ZoneId.from(read), ZoneOffset.from(read));
            return new Recurrence(every, anchor);
        } catch (DateTimeException malformed) {
            throw new IllegalArgumentException(text + " is not the text of a recurrence.", malformed);
        }
    }

    private static TemporalAmount readEvery(String every) {
        return read(
                every, EVERY, text -> text.startsWith("PT") ? Duration.parse(text) : Period.parse(text), EVERY_RULE);
    }

    private static <T> T read(String text, Pattern form, Function<String, T> parser, String rule) {
        if (form.matcher(text).matches()) {
            try {
                return parser.apply(text);
            } catch (DateTimeException | ArithmeticException malformed) {
                throw new IllegalArgumentException(rule, malformed);
            }
        }
        throw new IllegalArgumentException(rule);
    }

    private static TemporalAmount canonical(TemporalAmount every) {
        if (every instanceof Duration time
                && time.toNanosPart() == 0
                && isWithin(time.toSeconds(), DAYS_MAX * 86_400L)) {
            return time;
        }
        if (every instanceof Period period) {
            long months = period.toTotalMonths();
            long days = period.get(ChronoUnit.DAYS);
            if (days == 0 && isWithin(months, MONTHS_MAX)) {
                return Period.ofMonths((int) months);
            }
            if (months == 0 && isWithin(days, DAYS_MAX)) {
                return Period.ofDays((int) days);
            }
        }
        throw new IllegalArgumentException(EVERY_RULE);
    }

    private static boolean isWithin(long length, long max) {
        return length >= 1 && length <= max;
    }

    /**
     * The number of the period at an instant: the greatest whose start is not after it. Negative before the anchor.
     *
     * @param instant in the years 0 to 9999
     */
    public long indexAt(Instant instant) {
        long length = every.get(unit());
        if (unit() == ChronoUnit.SECONDS) {
            return Math.floorDiv(Duration.between(anchor.toInstant(), instant).toSeconds(), length);
        }
        long index = unit().between(localAnchor(), LocalDateTime.ofInstant(instant, anchor.getZone())) / length;
        // Gaps, overlaps, short months and rounding towards 0 put the estimate a few periods off.
        while (start(index).isAfter(instant)) {
            index--;
        }
        while (!start(index + 1).isAfter(instant)) {
            index++;
        }
        return index;
    }

    /**
     * The start of a period, and the end of the one before. It grows with the index, or stays equal at an empty period.
     *
     * @throws DateTimeException or {@link ArithmeticException} if it is outside the range of {@code java.time}
     */
    public Instant start(long index) {
        long distance = Math.multiplyExact(index, every.get(unit()));
        if (index == 0 || unit() == ChronoUnit.SECONDS) {
            return anchor.toInstant().plusSeconds(distance);
        }
        return localAnchor().plus(distance, unit()).atZone(anchor.getZone()).toInstant();
    }

    private ChronoUnit unit() {
        if (every instanceof Duration) {
            return ChronoUnit.SECONDS;
        }
        return every.get(ChronoUnit.MONTHS) > 0 ? ChronoUnit.MONTHS : ChronoUnit.DAYS;
    }

    /** The local time that starts are counted from: midnight also where the zone skips midnight on the anchor's day. */
    private LocalDateTime localAnchor() {
        return beginsDay() ? anchor.toLocalDate().atTime(0, 0) : anchor.toLocalDateTime();
    }

    private boolean beginsDay() {
        return anchor.toLocalDate().atTime(0, 0).atZone(anchor.getZone()).equals(anchor);
    }

    /** The length of a period as a duration of ISO 8601 such as {@code P12M}, {@code P7D} or {@code PT1M}. */
    public String everyText() {
        return every.toString();
    }

    /** The anchor as {@link #of} takes it: the date if it is midnight in the zone, otherwise the date-time. */
    public String anchorText() {
        if (beginsDay()) {
            return anchor.toLocalDate().toString();
        }
        // RFC 3339 has no seconds in offsets, but the local mean times before standard time do.
        int minutes = Math.floorDiv(anchor.getOffset().getTotalSeconds(), 60);
        return DateTimeFormatter.ISO_OFFSET_DATE_TIME.format(
                anchor.withZoneSameInstant(ZoneOffset.ofTotalSeconds(minutes * 60)));
    }

    /** The zone as {@link #of} takes it, such as {@code UTC}, {@code Europe/Berlin} or {@code +02:00}. */
    public String zoneText() {
        return anchor.getZone().equals(ZoneOffset.UTC)
                ? "UTC"
                : anchor.getZone().getId();
    }

    /** The canonical text, such as {@code P1M 2026-01-31T00:00+01:00[Europe/Berlin]}. Equal for equal rules only. */
    @Override
    public String toString() {
        return every + " " + anchor;
    }
}
