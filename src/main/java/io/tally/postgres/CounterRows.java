package io.tally.postgres;

import io.r2dbc.spi.Readable;
import io.tally.counter.Bounds;
import io.tally.counter.Counter;
import io.tally.counter.CounterId;
import io.tally.counter.Kind;
import io.tally.counter.Period;
import io.tally.counter.Recurrence;
import io.tally.pipeline.CounterStore.VersionedValue;
import io.tally.pipeline.StoreFailure;
import io.tally.pipeline.StoreFailure.Cause;
import java.time.Instant;
import java.time.OffsetDateTime;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/** Maps rows to counters, and counter ids to arrays of parameters. */
public final class CounterRows {

    private CounterRows() {}

    public static String[] namespaces(Collection<CounterId> ids) {
        return ids.stream().map(CounterId::namespace).toArray(String[]::new);
    }

    public static String[] names(Collection<CounterId> ids) {
        return ids.stream().map(CounterId::name).toArray(String[]::new);
    }

    /**
     * The state of a row at the time in the column {@code transaction_time}; {@code null} if the outer join found none,
     * or if the counter has expired.
     */
    public static @Nullable Counter current(Readable row) {
        Counter stored = stored(row);
        return stored == null ? null : stored.at(time(row, "transaction_time"));
    }

    /** The stored state of a row; {@code null} if the outer join found none. */
    static @Nullable Counter stored(Readable row) {
        String kind = row.get("kind", String.class);
        if (kind == null) {
            return null;
        }
        Bounds bounds = new Bounds(row.get("min", Long.class), row.get("max", Long.class));
        long version = number(row, "version");
        Period period = period(row);
        return new Counter(
                new CounterId(text(row, "namespace"), text(row, "name")),
                Kind.of(kind),
                number(row, "value"),
                version,
                initial(row, bounds),
                bounds,
                period,
                timeOrNull(row, "expires_at"),
                time(row, "created_at"),
                // A period that began without an operation was stored later.
                period != null && period.firstVersion() == version ? period.start() : time(row, "updated_at"));
    }

    private static @Nullable Period period(Readable row) {
        String recurrence = row.get("period", String.class);
        return recurrence == null
                ? null
                : new Period(
                        recurrence(recurrence),
                        time(row, "period_start"),
                        time(row, "period_end"),
                        number(row, "period_version"));
    }

    /** An instance of another release may know more time zones. It fails for this counter only. */
    private static Recurrence recurrence(String text) {
        try {
            return Recurrence.parse(text);
        } catch (IllegalArgumentException unknown) {
            throw new StoreFailure(
                    StoreFailure.Kind.BAD_OPERATION, Cause.CONNECTION, String.valueOf(unknown.getMessage()), unknown);
        }
    }

    /** An instance of an earlier release does not store it, and may set bounds that exclude it. */
    private static long initial(Readable row, Bounds bounds) {
        Long stored = row.get("initial", Long.class);
        return bounds.nearest(stored == null ? 0 : stored);
    }

    /**
     * Rejects a row from a replica, since a replica may lag behind the primary.
     *
     * @throws StoreFailure if the column {@code replica} is true
     */
    public static void requirePrimary(Readable row) {
        if (is(row, "replica")) {
            throw new StoreFailure(StoreFailure.Kind.UNAVAILABLE, Cause.CONNECTION, "the server has become a replica");
        }
    }

    public static long number(Readable row, String column) {
        return Objects.requireNonNull(row.get(column, Long.class), column);
    }

    /** The value of a boolean column; {@code false} for null. */
    public static boolean is(Readable row, String column) {
        return Boolean.TRUE.equals(row.get(column, Boolean.class));
    }

    public static Instant time(Readable row, String column) {
        return Objects.requireNonNull(timeOrNull(row, column), column);
    }

    public static @Nullable Instant timeOrNull(Readable row, String column) {
        OffsetDateTime time = row.get(column, OffsetDateTime.class);
        return time == null ? null : time.toInstant();
    }

    /** Values with their versions, in the order of the counters or keys; empty if the column is null. */
    static List<@Nullable VersionedValue> versionedValues(Readable row, String valuesColumn, String versionsColumn) {
        Long[] values = row.get(valuesColumn, Long[].class);
        if (values == null) {
            return List.of();
        }
        Long[] versions = Objects.requireNonNull(row.get(versionsColumn, Long[].class), versionsColumn);
        List<@Nullable VersionedValue> versionedValues = new ArrayList<>(values.length);
        for (int i = 0; i < values.length; i++) {
            versionedValues.add(values[i] == null ? null : new VersionedValue(values[i], versions[i]));
        }
        return versionedValues;
    }

    public static String text(Readable row, String column) {
        return Objects.requireNonNull(row.get(column, String.class), column);
    }
}
