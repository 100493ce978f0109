package io.tally.counter;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import java.time.Duration;
import java.time.Instant;
import java.time.LocalDate;
import java.time.LocalDateTime;
import java.time.Period;
import java.time.YearMonth;
import java.time.ZoneId;
import java.time.ZoneOffset;
import java.time.ZonedDateTime;
import java.time.chrono.ThaiBuddhistChronology;
import java.time.temporal.ChronoUnit;
import java.time.temporal.TemporalAmount;
import java.time.zone.ZoneOffsetTransition;
import java.util.List;
import java.util.stream.LongStream;
import net.jqwik.api.Arbitraries;
import net.jqwik.api.Arbitrary;
import net.jqwik.api.Combinators;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.Provide;
import net.jqwik.api.RandomDistribution;
import net.jqwik.api.Tuple;
import net.jqwik.api.constraints.IntRange;
import net.jqwik.api.constraints.LongRange;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class RecurrenceTest {

    /** Some years within the first and last anchor, since the zone and a change of its offset move them. */
    private static final Instant FIRST_ANCHOR = Instant.parse("0002-01-01T00:00:00Z");

    private static final Instant LAST_ANCHOR = Instant.parse("9895-12-31T00:00:00Z");
    private static final Instant FIRST = Instant.parse("1900-01-01T00:00:00Z");
    private static final Instant LAST = Instant.parse("2200-12-31T23:59:59Z");

    /** Zones that count the hour around midnight twice, or skip it, among them. */
    private static final List<String> ZONES = List.of(
            "Europe/Berlin",
            "America/Santiago",
            "America/Havana",
            "Atlantic/Azores",
            "Africa/Cairo",
            "Australia/Lord_Howe",
            "Asia/Kathmandu",
            "UTC");

    private static final List<ZoneId> ALL_ZONES =
            ZoneId.getAvailableZoneIds().stream().sorted().map(ZoneId::of).toList();

    record Sample(Recurrence rule, Instant instant) {}

    private static Arbitrary<TemporalAmount> lengths() {
        return Arbitraries.oneOf(
                Arbitraries.integers().between(1, 1_200).map(Period::ofMonths),
                Arbitraries.integers().between(1, 36_600).map(Period::ofDays),
                Arbitraries.integers().between(1, 3).map(Period::ofDays),
                Arbitraries.longs().between(1, 36_600 * 86_400L).map(Duration::ofSeconds));
    }

    private static Arbitrary<ZoneId> zones() {
        Arbitrary<ZoneId> offsets =
                Arbitraries.integers().between(-18 * 3600, 18 * 3600).map(ZoneOffset::ofTotalSeconds);
        return Arbitraries.frequencyOf(Tuple.of(1, offsets), Tuple.of(9, Arbitraries.of(ALL_ZONES)));
    }

    private static Arbitrary<Long> micros(Instant first, Instant last) {
        return Arbitraries.longs()
                .between(first.getEpochSecond() * 1_000_000, last.getEpochSecond() * 1_000_000)
                .withDistribution(RandomDistribution.uniform());
    }

    private static Instant ofMicros(long micros) {
        return Instant.EPOCH.plus(micros, ChronoUnit.MICROS);
    }

    /** An instant near the first change of the zone's offset after this one, where there is one soon. */
    private static Instant nearChange(Instant instant, ZoneId zone, int quarters) {
        ZoneOffsetTransition change = zone.getRules().nextTransition(instant);
        return change == null || change.getInstant().isAfter(instant.plus(Duration.ofDays(36_600)))
                ? instant
                : change.getInstant().plus(Duration.ofMinutes(15L * quarters));
    }

    /** Half of the anchors and instants are near a change of the zone's offset, half of the anchors are midnights. */
    @Provide
    Arbitrary<Sample> samples() {
        Arbitrary<Integer> shapes = Arbitraries.integers().between(0, 7);
        Arbitrary<Integer> quarters =
                Arbitraries.integers().between(-192, 192).withDistribution(RandomDistribution.uniform());
        Arbitrary<Instant> anchors = Arbitraries.oneOf(micros(FIRST_ANCHOR, LAST_ANCHOR), micros(FIRST, LAST))
                .map(RecurrenceTest::ofMicros);
        Arbitrary<Instant> instants = micros(FIRST, LAST).map(RecurrenceTest::ofMicros);
        return Combinators.combine(lengths(), zones(), shapes, anchors, quarters, instants, quarters)
                .as((length, zone, shape, anchor, anchorQuarters, instant, instantQuarters) -> {
                    ZonedDateTime time =
                            ((shape & 1) == 0 ? anchor : nearChange(anchor, zone, anchorQuarters)).atZone(zone);
                    return new Sample(
                            new Recurrence(
                                    length,
                                    (shape & 2) == 0
                                            ? time
                                            : time.toLocalDate().atTime(0, 0).atZone(zone)),
                            (shape & 4) == 0 ? instant : nearChange(instant, zone, instantQuarters));
                })
                .withoutEdgeCases();
    }

    @Property(tries = 20_000)
    void eachInstantIsInItsPeriod(@ForAll("samples") Sample sample) {
        Recurrence rule = sample.rule();
        long index = rule.indexAt(sample.instant());

        assertThat(rule.start(index)).isBeforeOrEqualTo(sample.instant());
        assertThat(rule.start(index + 1)).isAfter(sample.instant());
    }

    @Property(tries = 10_000)
    void aPeriodEndsWhereTheNextBegins(@ForAll("samples") Sample sample) {
        Recurrence rule = sample.rule();
        long index = rule.indexAt(sample.instant());
        Instant end = rule.start(index + 1);

        assertThat(rule.indexAt(end)).isGreaterThan(index);
        assertThat(rule.indexAt(end.minusNanos(1))).isEqualTo(index);
    }

    @Property(tries = 10_000)
    void startsDoNotDecrease(@ForAll("samples") Sample sample) {
        Recurrence rule = sample.rule();
        long index = rule.indexAt(sample.instant());

        assertThat(LongStream.rangeClosed(index - 4, index + 4).mapToObj(rule::start))
                .isSorted();
    }

    @Property
    void periodZeroBeginsAtTheAnchor(@ForAll("samples") Sample sample) {
        Recurrence rule = sample.rule();
        assertThat(rule.start(0)).isEqualTo(rule.anchor().toInstant());
    }

    @Property(tries = 5_000)
    void textsGiveTheSameRule(@ForAll("samples") Sample sample) {
        Recurrence rule = sample.rule();
        assertThat(Recurrence.parse(rule.toString())).isEqualTo(rule).hasToString(rule.toString());
        assertThat(Recurrence.of(rule.everyText(), rule.anchorText(), rule.zoneText()))
                .isEqualTo(rule)
                .hasSameHashCodeAs(rule);
    }

    @Property(tries = 5_000)
    void monthsAreThoseOfTheCalendar(
            @ForAll @IntRange(min = 1, max = 9999) int year,
            @ForAll @IntRange(min = 1, max = 12) int month,
            @ForAll @IntRange(min = 28, max = 31) int day,
            @ForAll @IntRange(min = 1, max = 30) int months,
            @ForAll @IntRange(min = 1900, max = 2200) int laterYear,
            @ForAll @IntRange(min = 0, max = 11) int laterMonth) {
        YearMonth first = YearMonth.of(year, month);
        int anchorDay = Math.min(day, first.lengthOfMonth());
        Recurrence rule =
                Recurrence.of("P" + months + "M", first.atDay(anchorDay).toString(), null);
        int between = (laterYear - year) * 12 + laterMonth + 1 - month;
        int index = Math.floorDiv(between, months);
        int ofStart = (year * 12 + month - 1) + index * months;
        YearMonth start = YearMonth.of(Math.floorDiv(ofStart, 12), Math.floorMod(ofStart, 12) + 1);
        Instant expected = start.atDay(Math.min(anchorDay, start.lengthOfMonth()))
                .atStartOfDay(ZoneOffset.UTC)
                .toInstant();

        assertThat(rule.start(index)).isEqualTo(expected);
        assertThat(rule.indexAt(expected)).isEqualTo(index);
        assertThat(rule.indexAt(expected.minusNanos(1))).isEqualTo(index - 1);
    }

    /** From midnight, the number of a day is that of its date on the wall. */
    @Property(tries = 10_000)
    void daysAreThoseOfTheCalendar(
            @ForAll("namedZones") String zone,
            @ForAll @IntRange(max = 73_000) int anchorDay,
            @ForAll @IntRange(min = 1, max = 40) int days,
            @ForAll @LongRange(max = 200L * 365 * 24 * 4) long quarter) {
        LocalDate anchor = LocalDate.of(2000, 1, 1).plusDays(anchorDay);
        Recurrence rule = Recurrence.of("P" + days + "D", anchor.toString(), zone);
        Instant instant = Instant.parse("2000-01-02T00:00:00Z").plus(Duration.ofMinutes(15 * quarter));
        LocalDate date = LocalDate.ofInstant(instant, ZoneId.of(zone));

        assertThat(rule.indexAt(instant)).isEqualTo(Math.floorDiv(date.toEpochDay() - anchor.toEpochDay(), days));
    }

    @Provide
    Arbitrary<String> namedZones() {
        return Arbitraries.of(ZONES);
    }

    /** Each change of an offset, and each quarter of an hour of the four days around it. */
    @ParameterizedTest
    @ValueSource(
            strings = {"Europe/Berlin", "America/Santiago", "America/Havana", "Atlantic/Azores", "Australia/Lord_Howe"})
    void daysAreThoseOfTheCalendarWhenTheOffsetChanges(String zone) {
        ZoneId id = ZoneId.of(zone);
        Instant change = Instant.parse("2000-01-02T00:00:00Z");
        for (int i = 0; i < 60; i++) {
            change = id.getRules().nextTransition(change).getInstant();
            // 300 days before a change, summer time is mostly as it is after the change.
            for (int days : new int[] {0, 300}) {
                LocalDate anchor = LocalDate.ofInstant(change, id).minusDays(days);
                Recurrence rule = Recurrence.of("P1D", anchor.toString(), zone);
                for (int quarter = -192; quarter <= 192; quarter++) {
                    Instant instant = change.plus(Duration.ofMinutes(15L * quarter));
                    assertThat(rule.indexAt(instant))
                            .as("%s at %s", rule, instant)
                            .isEqualTo(LocalDate.ofInstant(instant, id).toEpochDay() - anchor.toEpochDay());
                }
            }
        }
    }

    @Property(tries = 5_000)
    void timesAreThoseOfArithmetic(
            @ForAll @LongRange(min = -62_135_596_800L, max = 253_402_300_799L) long anchorSecond,
            @ForAll @IntRange(max = 999_999) int anchorMicros,
            @ForAll @LongRange(min = 1, max = 36_600 * 86_400L) long seconds,
            @ForAll @LongRange(min = -2_208_988_800L, max = 7_258_118_400L) long second,
            @ForAll @IntRange(max = 999_999) int micros) {
        Recurrence rule = new Recurrence(
                Duration.ofSeconds(seconds),
                Instant.ofEpochSecond(anchorSecond, anchorMicros * 1_000L).atZone(ZoneOffset.UTC));
        long elapsed = (second - anchorSecond) * 1_000_000 + micros - anchorMicros;
        long length = seconds * 1_000_000;
        long index = elapsed / length - (elapsed % length < 0 ? 1 : 0);
        long start = anchorSecond * 1_000_000 + anchorMicros + index * length;

        assertThat(rule.indexAt(Instant.ofEpochSecond(second, micros * 1_000L))).isEqualTo(index);
        assertThat(rule.start(index)).isEqualTo(Instant.EPOCH.plus(start, ChronoUnit.MICROS));
    }

    @ParameterizedTest
    @CsvSource({
        "P1M, 2026-05-31, UTC, 1, 2026-06-30T00:00:00Z",
        "P1M, 2026-01-31, Europe/Berlin, 9, 2026-10-30T23:00:00Z",
        "P1M, 2026-01-31, Europe/Berlin, 10, 2026-11-29T23:00:00Z",
        "P1M, 2024-01-31, UTC, 1, 2024-02-29T00:00:00Z",
        "P1M, 2024-01-31, UTC, 2, 2024-03-31T00:00:00Z",
        "P1M, 2024-01-30, UTC, 49, 2028-02-29T00:00:00Z",
        "P1M, 2024-01-30, UTC, 913, 2100-02-28T00:00:00Z",
        "P1M, 2024-01-31, UTC, -2, 2023-11-30T00:00:00Z",
        "P1Y, 2024-02-29, UTC, 1, 2025-02-28T00:00:00Z",
        "P1Y, 2024-02-29, UTC, 4, 2028-02-29T00:00:00Z",
        "P1Y, 2024-02-29, UTC, 76, 2100-02-28T00:00:00Z",
        "P1D, 2026-03-28, Europe/Berlin, 1, 2026-03-28T23:00:00Z",
        "P1D, 2026-03-28, Europe/Berlin, 2, 2026-03-29T22:00:00Z",
        "PT24H, 2026-03-28, Europe/Berlin, 2, 2026-03-29T23:00:00Z",
        "P1D, 2026-03-28T02:30:00+01:00, Europe/Berlin, 1, 2026-03-29T01:30:00Z",
        "P1D, 2026-03-28T02:30:00+01:00, Europe/Berlin, 2, 2026-03-30T00:30:00Z",
        "P1D, 2026-10-24T02:30:00+02:00, Europe/Berlin, 1, 2026-10-25T00:30:00Z",
        "P1D, 2026-01-24T02:30:00+01:00, Europe/Berlin, 274, 2026-10-25T00:30:00Z",
        "P1D, 2026-10-25T02:30:00+01:00, Europe/Berlin, 0, 2026-10-25T01:30:00Z",
        // Midnight does not exist on this day in Santiago, and does on the next.
        "P1D, 2026-09-06, America/Santiago, 0, 2026-09-06T04:00:00Z",
        "P1D, 2026-09-06, America/Santiago, 1, 2026-09-07T03:00:00Z",
        // Midnight comes twice on this day.
        "P1D, 1970-01-01, America/Havana, 20758, 2026-11-01T04:00:00Z",
        "P1D, 1970-01-01, America/Havana, 20759, 2026-11-02T05:00:00Z",
        // 30 December 2011 does not exist in Apia.
        "P1D, 2011-12-29, Pacific/Apia, 1, 2011-12-30T10:00:00Z",
        "P1D, 2011-12-29, Pacific/Apia, 2, 2011-12-30T10:00:00Z",
        "P1D, 2011-12-29, Pacific/Apia, 3, 2011-12-31T10:00:00Z",
        "PT1M, , , 29693336, 2026-06-16T08:56:00Z",
    })
    void knowsStart(String every, @Nullable String anchor, @Nullable String zone, long index, Instant start) {
        assertThat(Recurrence.of(every, anchor, zone).start(index)).isEqualTo(start);
    }

    @ParameterizedTest
    @CsvSource({
        "P1M, 2026-01-31, Europe/Berlin, 2026-11-25T12:00:00Z, 9",
        "P1M, 2026-01-31, Europe/Berlin, 2026-10-30T22:59:59.999999999Z, 8",
        "P1M, 2026-01-31, Europe/Berlin, 2026-11-29T23:00:00Z, 10",
        "P1D, 2011-12-29, Pacific/Apia, 2011-12-30T09:59:59Z, 0",
        "P1D, 2011-12-29, Pacific/Apia, 2011-12-30T10:00:00Z, 2",
        "P1M, 9999-12-31, UTC, 1900-01-01T00:00:00Z, -97200",
        "PT1S, 0001-01-01, UTC, 2026-01-01T00:00:00Z, 63902822400",
    })
    void knowsIndex(String every, String anchor, String zone, Instant instant, long index) {
        assertThat(Recurrence.of(every, anchor, zone).indexAt(instant)).isEqualTo(index);
    }

    @ParameterizedTest
    @CsvSource({
        "P1Y, P12M",
        "P1Y6M, P18M",
        "P0Y1M, P1M",
        "P100Y, P1200M",
        "P1W, P7D",
        "P2W, P14D",
        "P1W1D, P8D",
        "P36600D, P36600D",
        "PT60S, PT1M",
        "PT24H, PT24H",
        "PT90M, PT1H30M",
        "PT3162240000S, PT878400H",
    })
    void equalLengthsHaveOneText(String every, String text) {
        Recurrence rule = Recurrence.of(every, null, null);

        assertThat(rule.everyText()).isEqualTo(text);
        assertThat(rule).isEqualTo(Recurrence.of(text, null, "UTC")).hasToString(text + " 1970-01-01T00:00Z");
    }

    @Test
    void aDayIsNot24Hours() {
        assertThat(Recurrence.of("P1D", null, null)).isNotEqualTo(Recurrence.of("PT24H", null, null));
    }

    @ParameterizedTest
    @CsvSource({
        "Z, UTC",
        "GMT, UTC",
        "Etc/UTC, UTC",
        "+00:00, UTC",
        "+2, +02:00",
        "+0200, +02:00",
        "UTC+2, +02:00",
        "-18:00, -18:00",
        "Europe/Berlin, Europe/Berlin",
    })
    void equalZonesHaveOneText(String zone, String text) {
        Recurrence rule = Recurrence.of("P1D", "2026-01-31", zone);

        assertThat(rule.zoneText()).isEqualTo(text);
        assertThat(rule).isEqualTo(Recurrence.of("P1D", "2026-01-31", text));
    }

    @ParameterizedTest
    @CsvSource({
        "2026-01-31, Europe/Berlin, 2026-01-31, P1D 2026-01-31T00:00+01:00[Europe/Berlin]",
        "2026-01-31T00:00:00+01:00, Europe/Berlin, 2026-01-31, P1D 2026-01-31T00:00+01:00[Europe/Berlin]",
        "2026-01-30t23:00:00.000z, Europe/Berlin, 2026-01-31, P1D 2026-01-31T00:00+01:00[Europe/Berlin]",
        "2026-01-31T00:00:00+01:00, , 2026-01-30T23:00:00Z, P1D 2026-01-30T23:00Z",
        "2026-01-31T09:30:00.123456Z, +02:00, 2026-01-31T11:30:00.123456+02:00, P1D 2026-01-31T11:30:00.123456+02:00",
        "2026-10-25T02:30:00+01:00, Europe/Berlin, 2026-10-25T02:30:00+01:00,"
                + " P1D 2026-10-25T02:30+01:00[Europe/Berlin]",
        "2026-09-06, America/Santiago, 2026-09-06, P1D 2026-09-06T01:00-03:00[America/Santiago]",
        "2026-11-01T00:00:00-05:00, America/Havana, 2026-11-01T00:00:00-05:00,"
                + " P1D 2026-11-01T00:00-05:00[America/Havana]",
        "2011-12-30, Pacific/Apia, 2011-12-31, P1D 2011-12-31T00:00+14:00[Pacific/Apia]",
        // Local mean time: RFC 3339 has no seconds in offsets.
        "1800-01-01T12:00:00Z, Europe/Berlin, 1800-01-01T12:53:00+00:53,"
                + " P1D 1800-01-01T12:53:28+00:53:28[Europe/Berlin]",
        "0001-01-01, Europe/Berlin, 0001-01-01, P1D 0001-01-01T00:00+00:53:28[Europe/Berlin]",
        "0000-12-31T23:30:00Z, Europe/Berlin, 0001-01-01T00:23:00+00:53,"
                + " P1D 0001-01-01T00:23:28+00:53:28[Europe/Berlin]",
        "9999-12-31T23:58:33-01:03, -01:02:03, 9999-12-31T23:58:33-01:03, P1D 9999-12-31T23:59:30-01:02:03",
        "9999-12-31T23:59:59.999999Z, UTC, 9999-12-31T23:59:59.999999Z, P1D 9999-12-31T23:59:59.999999Z",
    })
    void writesAnchor(String anchor, @Nullable String zone, String anchorText, String text) {
        Recurrence rule = Recurrence.of("P1D", anchor, zone);

        assertThat(rule.anchorText()).isEqualTo(anchorText);
        assertThat(rule).hasToString(text).isEqualTo(Recurrence.parse(text));
    }

    @ParameterizedTest
    @CsvSource({
        "P1D 2026-07-01T00:00+01:00[Europe/Berlin], P1D 2026-07-01T00:00+02:00[Europe/Berlin]",
        "P1M 2026-07-01T00:00+01:00[Europe/Berlin], P1M 2026-07-01T00:00+02:00[Europe/Berlin]",
        "PT24H 2026-07-01T00:00+01:00[Europe/Berlin], PT24H 2026-07-01T01:00+02:00[Europe/Berlin]",
    })
    void keepsTheMeaningWhenTheZoneHasChangedItsOffset(String before, String after) {
        assertThat(Recurrence.parse(before)).hasToString(after);
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "",
                " ",
                "P",
                "PT",
                "p1m",
                "P1m",
                "pt1m",
                "PT1s",
                "P1M15D",
                "P1Y1D",
                "P1M1W",
                "P1DT12H",
                "P1MT1H",
                "P1YT",
                "P0M",
                "P0Y",
                "P0D",
                "P0W",
                "PT0S",
                "PT0H0M",
                "P-1M",
                "-P1M",
                "+P1M",
                "P+1M",
                "P1Y-1M",
                "PT-1S",
                "PT1H-1M",
                "P1.5D",
                "P0.5M",
                "PT0.5S",
                "PT1.0S",
                "PT1,5S",
                "P1M1Y",
                "P1D1W",
                "PT1S1M",
                "P1S",
                "PT1D",
                "P1H",
                "1M",
                "P1M ",
                " P1M",
                "P1M\n",
                "P1201M",
                "P100Y1M",
                "P101Y",
                "P36601D",
                "P5229W",
                "PT3162240001S",
                "PT878401H",
                "P999999999Y",
                "P999999999W",
                "P9999999999D",
                "PT9999999999H9999999999M",
                "PT99999999999S",
                "P\u0661D",
                "P1M/P2M",
                "monthly",
                "P2026-01-31"
            })
    void refusesEvery(String every) {
        assertThatIllegalArgumentException()
                .isThrownBy(() -> Recurrence.of(every, null, null))
                .withMessageStartingWith("every must be ");
        assertThatIllegalArgumentException().isThrownBy(() -> Recurrence.parse(every + " 1970-01-01T00:00Z"));
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "",
                "2026",
                "2026-01",
                "2026-1-31",
                "2026-02-29",
                "2026-02-30",
                "2026-13-01",
                "2026-00-01",
                "20260131",
                "0000-12-31",
                "-0001-01-01",
                "+10000-01-01",
                "10000-01-01",
                "2026-01-31Z",
                "2026-01-31+01:00",
                "2026-01-31T00:00:00",
                "2026-01-31T00:00",
                "2026-01-31T00:00Z",
                "2026-01-31T00:00:00+01",
                "2026-01-31T00:00:00+0100",
                "2026-01-31T00:00:00+01:00:00",
                "2026-01-31T00:00:00+19:00",
                "2026-01-31T00:00:00+01:60",
                "2026-01-31 00:00:00Z",
                "2026-01-31T24:00:00Z",
                "2026-01-31T23:60:00Z",
                "2026-06-30T23:59:60Z",
                "2026-01-31T00:00:00.Z",
                "2026-01-31T00:00:00.1234567Z",
                "2026-01-31T00:00:00,5Z",
                "2026-01-31T00:00:00Z[UTC]",
                "2026-01-31T00:00:00+01:00[Europe/Berlin]",
                "2026-01-31\n",
                " 2026-01-31",
                "now",
                "0000-12-31T23:59:59Z",
                "0001-01-01T00:00:00+01:00",
                "9999-12-31T23:59:59-01:00",
                "1769817600",
                "2026-W05-6",
                "2026-031"
            })
    void refusesAnchor(String anchor) {
        assertThatIllegalArgumentException()
                .isThrownBy(() -> Recurrence.of("P1M", anchor, null))
                .withMessageStartingWith("anchor must be ");
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "",
                " ",
                "Berlin",
                "Europe/Bern",
                "europe/berlin",
                "utc",
                "CEST",
                "+25:00",
                "+18:01",
                "+02:60",
                "02:00",
                "UTC ",
                " UTC",
                "UTC+19",
                "Europe/Berlin\n",
                "+02:00[Europe/Berlin]",
                "SYSTEM",
                "../UTC",
                "\u0000"
            })
    void refusesZone(String zone) {
        assertThatIllegalArgumentException()
                .isThrownBy(() -> Recurrence.of("P1M", null, zone))
                .withMessageStartingWith("zone must be ");
    }

    @Test
    void refusesLongZone() {
        assertThatIllegalArgumentException()
                .isThrownBy(() -> Recurrence.of("P1M", null, "A".repeat(65)))
                .withNoCause();
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "",
                "P1M",
                "P1M ",
                "P1M  1970-01-01T00:00Z",
                "P1M 1970-01-01",
                "P1M 1970-01-01T00:00",
                "P1M 1970-01-01T00:00Z[Europe/Bern]",
                "P1M 1970-01-01T00:00Z P1M",
                "1970-01-01T00:00Z",
                "P1M 0000-01-01T00:00Z",
                "P1M +10000-01-01T00:00Z",
                "P1M 1970-01-01T00:00:00.0000001Z"
            })
    void refusesText(String text) {
        assertThatIllegalArgumentException().isThrownBy(() -> Recurrence.parse(text));
    }

    @Test
    void refusesPartsOutOfRange() {
        ZonedDateTime anchor = LocalDateTime.of(2026, 1, 31, 0, 0).atZone(ZoneOffset.UTC);
        for (TemporalAmount every : List.of(
                Period.of(0, 1, 1),
                Period.of(1, -12, 0),
                Period.ofDays(-1),
                Duration.ofMillis(1_500),
                Duration.ofSeconds(-1),
                Period.ZERO,
                ThaiBuddhistChronology.INSTANCE.period(0, 1, 0))) {
            assertThatIllegalArgumentException().isThrownBy(() -> new Recurrence(every, anchor));
        }
        assertThatIllegalArgumentException().isThrownBy(() -> new Recurrence(Period.ofDays(1), anchor.withNano(1)));
    }
}
