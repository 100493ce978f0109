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
 * Counters as they stand under lock, and what is known of the members and keys that were asked for.
 *
 * @param counters those that exist
 * @param members of those that were asked for
 * @param remembered the keys that are known
 * @param now the transaction's time, by the database's clock
 */
public record LockedState(
        Map<CounterId, Counter> counters,
        Set<MemberId> members,
        Map<IdempotencyKey, IdempotencyRecord> remembered,
        Instant now) {}
