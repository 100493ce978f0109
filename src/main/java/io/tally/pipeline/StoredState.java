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
 * The state of the rows that a {@link ReadSet} names.
 *
 * @param counters the stored counters. Their periods may be over, and they may have expired: see {@link Counter#at}
 * @param members the members that exist
 * @param records the idempotency records that exist
 * @param now the transaction's start, by the database's clock. A counter may be in a later period, since another
 *     transaction changed it before it was locked
 */
public record StoredState(
        Map<CounterId, Counter> counters,
        Set<MemberId> members,
        Map<IdempotencyKey, IdempotencyRecord> records,
        Instant now) {

    /** The state of counters alone. */
    public static StoredState of(Map<CounterId, Counter> counters, Instant now) {
        return new StoredState(counters, Set.of(), Map.of(), now);
    }

    /** The same state with only some of its counters, and without idempotency records. */
    StoredState of(Collection<CounterId> some) {
        Map<CounterId, Counter> found = new HashMap<>();
        for (CounterId id : some) {
            Counter counter = counters.get(id);
            if (counter != null) {
                found.put(id, counter);
            }
        }
        return new StoredState(found, members, Map.of(), now);
    }
}
