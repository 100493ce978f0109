package io.tally.pipeline;

import io.tally.counter.Counter;
import io.tally.counter.CounterId;
import java.time.Instant;
import java.util.Map;

/**
 * Counters as they stand under lock.
 *
 * @param counters those that exist
 * @param now the transaction's time, by the database's clock
 */
public record States(Map<CounterId, Counter> counters, Instant now) {}
