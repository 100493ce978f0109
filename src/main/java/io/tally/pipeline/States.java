package io.tally.pipeline;

import io.tally.counter.Counter;
import io.tally.counter.CounterId;
import io.tally.counter.IdempotencyKey;
import java.time.Instant;
import java.util.Map;

/**
 * Counters as they stand under lock, and what is known under the keys that were asked for.
 *
 * @param counters those that exist
 * @param remembered the keys that are known
 * @param now the transaction's time, by the database's clock
 */
public record States(Map<CounterId, Counter> counters, Map<IdempotencyKey, Remembered> remembered, Instant now) {}
