package io.tally.audit;

import io.tally.counter.Outcome.Refusal;
import java.math.BigInteger;
import java.time.Duration;
import java.time.Instant;

/** The result of an audit. */
public sealed interface Audit {

    /**
     * The result of a comparison of the books.
     *
     * @param drift the sum of all counters minus the sum of all writers' deltas; not 0 after a change outside the
     *     service
     * @param lostOperations the acknowledged operations of this instance without a record in the database; not 0 after
     *     a failover or restore that lost them
     * @param at the time of the audit, by the clock of this instance
     */
    record Report(
            BigInteger drift,
            long lostOperations,
            BigInteger counterSum,
            BigInteger writerSum,
            Instant at,
            Duration took)
            implements Audit {

        /** Whether the books balance. */
        public boolean balanced() {
            return drift.signum() == 0 && lostOperations == 0;
        }
    }

    /** The books could not be read. */
    record Unread(Refusal refusal) implements Audit {}
}
