package io.tally.pipeline;

import io.tally.counter.Counter;
import io.tally.counter.CounterId;
import io.tally.counter.IdempotencyKey;
import io.tally.counter.MemberId;
import io.tally.idempotency.IdempotencyRecord;
import java.time.Instant;
import java.util.Collection;
import java.util.HashMap;
import java.util.Map;
import java.util.Set;

/**
 * The state of the rows that a {@link LockSet} names.
 *
 * @param counters the counters that exist
 * @param members the members that exist
 * @param records the idempotency records that exist
 * @param now the transaction's start, by the database's clock
 */
public record LockedState(
        Map<CounterId, Counter> counters,
        Set<MemberId> members,
        Map<IdempotencyKey, IdempotencyRecord> records,
        Instant now) {

    /** The same state with only some of its counters, and without idempotency records. */
    LockedState of(Collection<CounterId> some) {
        Map<CounterId, Counter> found = new HashMap<>();
        for (CounterId id : some) {
            Counter counter = counters.get(id);
            if (counter != null) {
                found.put(id, counter);
            }
        }
        return new LockedState(found, members, Map.of(), now);
    }
}
