package io.tally.postgres;

import io.r2dbc.postgresql.api.PostgresqlStatement;
import io.tally.counter.Counter;
import io.tally.counter.CounterId;
import io.tally.counter.Period;
import io.tally.pipeline.Resolution;
import io.tally.pipeline.Resolution.Change;
import java.math.BigDecimal;
import java.math.BigInteger;
import java.time.Instant;
import java.time.ZoneOffset;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import java.util.function.Function;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/** A resolution of operations, and the locked rows on which it is based. */
record LockedResolution(LockedRows locked, Resolution resolution) {

    /** Whether it creates counters whose rows are not locked yet. */
    boolean createsUnlocked() {
        return resolution.changes().stream()
                .anyMatch(change -> change.before() == null && !locked.claimed().contains(change.counter()));
    }

    /** The changes, and the removal of rows that were inserted only for their lock. */
    private List<Change> changes() {
        Set<CounterId> unused = new HashSet<>(locked.claimed());
        resolution.changes().forEach(change -> unused.remove(change.counter()));
        List<Change> changes = new ArrayList<>(resolution.changes());
        unused.forEach(counter -> changes.add(new Change(counter, null, null, locked.time())));
        return changes;
    }

    /** Binds the parameters of {@link CounterSql#WRITE} after the fence. */
    PostgresqlStatement bind(PostgresqlStatement statement) {
        List<Change> changes = changes();
        int size = changes.size();
        String[] actions = new String[size];
        @Nullable String[] kinds = new String[size];
        @Nullable Long[] values = new Long[size];
        @Nullable Long[] versions = new Long[size];
        @Nullable Long[] initials = new Long[size];
        @Nullable Long[] mins = new Long[size];
        @Nullable Long[] maxs = new Long[size];
        @Nullable String[] recurrences = new String[size];
        @Nullable String[] starts = new String[size];
        @Nullable String[] ends = new String[size];
        @Nullable Long[] firstVersions = new Long[size];
        @Nullable String[] expiries = new String[size];
        Boolean[] recreated = new Boolean[size];
        BigInteger delta = BigInteger.ZERO;
        for (int i = 0; i < size; i++) {
            Change change = changes.get(i);
            Counter after = change.after();
            delta = delta.add(change.delta());
            recreated[i] = change.isRecreated();
            if (after == null) {
                actions[i] = "remove";
            } else {
                actions[i] = "change";
                kinds[i] = after.kind().label();
                values[i] = after.value();
                versions[i] = after.version();
                initials[i] = after.initial();
                mins[i] = after.bounds().min();
                maxs[i] = after.bounds().max();
                expiries[i] = text(after.expiresAt());
                Period period = after.period();
                if (period != null) {
                    recurrences[i] = period.recurrence().toString();
                    starts[i] = text(period.start());
                    ends[i] = text(period.end());
                    firstVersions[i] = period.firstVersion();
                }
            }
        }
        List<CounterId> ids = changes.stream().map(Change::counter).toList();
        return statement
                .bind("$3", CounterRows.namespaces(ids))
                .bind("$4", CounterRows.names(ids))
                .bind("$5", actions)
                .bind("$6", values)
                .bind("$7", versions)
                .bind("$8", mins)
                .bind("$9", maxs)
                .bind("$10", recreated)
                .bind("$11", (long) resolution.operations())
                .bind("$12", new BigDecimal(delta))
                .bind("$13", kinds)
                .bind("$14", initials)
                .bind("$15", recurrences)
                .bind("$16", starts)
                .bind("$17", ends)
                .bind("$18", firstVersions)
                .bind("$19", expiries)
                .bind("$20", locked.time().atOffset(ZoneOffset.UTC));
    }

    private static @Nullable String text(@Nullable Instant time) {
        return time == null ? null : time.toString();
    }

    /** Binds the parameters of {@link CounterSql#REMOVED}; empty if no counter with periods goes. */
    Optional<PostgresqlStatement> bindRemoved(Supplier<PostgresqlStatement> statement) {
        List<Counter> removed = resolution.changes().stream()
                .filter(Change::isRemoved)
                .map(Change::before)
                .filter(Objects::nonNull)
                .filter(before -> before.period() != null)
                .toList();
        List<CounterId> ids = removed.stream().map(Counter::id).toList();
        return removed.isEmpty()
                ? Optional.empty()
                : Optional.of(statement
                        .get()
                        .bind("$1", CounterRows.namespaces(ids))
                        .bind("$2", CounterRows.names(ids))
                        .bind("$3", createdAt(removed)));
    }

    private static String[] createdAt(List<Counter> counters) {
        return counters.stream().map(counter -> counter.createdAt().toString()).toArray(String[]::new);
    }

    /** Binds the parameters of {@link CounterSql#END_PERIODS}; empty if no period has ended. */
    Optional<PostgresqlStatement> bindEnded(Supplier<PostgresqlStatement> statement) {
        List<Counter> ended = resolution.changes().stream()
                .flatMap(change -> change.endedPeriod().stream())
                .toList();
        List<CounterId> ids = ended.stream().map(Counter::id).toList();
        return ended.isEmpty()
                ? Optional.empty()
                : Optional.of(statement
                        .get()
                        .bind("$1", CounterRows.namespaces(ids))
                        .bind("$2", CounterRows.names(ids))
                        .bind("$3", texts(ended, Period::start))
                        .bind("$4", texts(ended, Period::end))
                        .bind("$5", ended.stream().map(Counter::value).toArray(Long[]::new))
                        .bind("$6", createdAt(ended)));
    }

    private static String[] texts(List<Counter> counters, Function<Period, Instant> time) {
        return counters.stream()
                .map(counter ->
                        time.apply(Objects.requireNonNull(counter.period())).toString())
                .toArray(String[]::new);
    }
}
