package io.tally.postgres;

import io.r2dbc.spi.Readable;
import io.tally.counter.Bounds;
import io.tally.counter.Counter;
import io.tally.counter.CounterId;
import io.tally.counter.Kind;
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

/** Rows as counters, and identities as arrays. */
public final class CounterRows {

    private CounterRows() {}

    public static String[] namespaces(Collection<CounterId> ids) {
        return ids.stream().map(CounterId::namespace).toArray(String[]::new);
    }

    public static String[] names(Collection<CounterId> ids) {
        return ids.stream().map(CounterId::name).toArray(String[]::new);
    }

    /** The counter of a row that was joined to what was asked for; {@code null} if there is none. */
    public static @Nullable Counter counter(Readable row) {
        String kind = row.get("kind", String.class);
        return kind == null
                ? null
                : new Counter(
                        new CounterId(text(row, "namespace"), text(row, "name")),
                        Kind.of(kind),
                        number(row, "value"),
                        number(row, "version"),
                        new Bounds(row.get("min", Long.class), row.get("max", Long.class)),
                        time(row, "created_at"),
                        time(row, "updated_at"));
    }

    /**
     * Refuses a row of a server that says of itself that it is a replica: it may be behind.
     *
     * @throws StoreFailure if it says so
     */
    public static void requirePrimary(Readable row) {
        if (is(row, "replica")) {
            throw new StoreFailure(StoreFailure.Kind.UNAVAILABLE, Cause.CONNECTION, "the server has become a replica");
        }
    }

    public static long number(Readable row, String column) {
        return Objects.requireNonNull(row.get(column, Long.class), column);
    }

    /** Whether it says so; not where it is null. */
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

    /** Values with their versions, in the order of their counters or keys; none where nothing is stored. */
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
