package io.tally.audit;

import io.tally.counter.Outcome.Refusal;
import java.math.BigInteger;
import java.time.Duration;
import java.time.Instant;

/** The result of an audit. */
public sealed interface Audit {

    /**
     * The books were compared.
     *
     * @param drift the sum of all counters less that of all writers' deltas; other than 0: a counter was changed behind
     *     the service's back
     * @param lostOperations operations this instance acknowledged and the database has no record of; other than 0: the
     *     database forgot, by a failover or a restore
     * @param at when it was done, by this instance's clock
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
