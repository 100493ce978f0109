package io.tally.postgres;

import io.r2dbc.spi.Row;
import io.tally.counter.Counter;
import io.tally.counter.CounterId;
import java.time.Instant;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * The rows that a transaction has locked.
 *
 * @param counters the counters that exist
 * @param claimed counters that did not exist; the transaction has inserted a row for each, which no other transaction
 *     sees
 * @param time the transaction's start, by the database's clock
 */
record LockedRows(Map<CounterId, Counter> counters, Set<CounterId> claimed, Instant time) {

    static LockedRows of(List<Locked> rows) {
        Map<CounterId, Counter> counters = new HashMap<>();
        Set<CounterId> claimed = new HashSet<>();
        for (Locked row : rows) {
            Counter counter = row.counter();
            if (counter != null && counter.version() == 0) {
                claimed.add(counter.id());
            } else if (counter != null) {
                counters.put(counter.id(), counter);
            }
        }
        return new LockedRows(counters, claimed, rows.getFirst().time());
    }

    /** A row of the statement that locks. */
    record Locked(Instant time, @Nullable Counter counter) {

        /** A row of the statement that reads without locks. */
        static Locked onPrimary(Row row) {
            CounterRows.requirePrimary(row);
            return new Locked(CounterRows.time(row, "transaction_time"), CounterRows.stored(row));
        }

        static Locked of(Row row) {
            if (row.get("guarded", Long.class) == null) {
                throw SqlStates.fenced();
            }
            return new Locked(CounterRows.time(row, "transaction_time"), CounterRows.stored(row));
        }
    }
}
