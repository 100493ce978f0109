package io.tally.pipeline;

import io.tally.counter.Counter;
import io.tally.counter.CounterId;
import io.tally.counter.IdempotencyKey;
import io.tally.counter.MemberId;
import io.tally.idempotency.IdempotencyRecord;
import java.time.Instant;
import java.util.Map;
import java.util.Set;

/**
 * The state that a {@link LockSet} names, read under lock.
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
        Instant now) {}
