package io.tally.audit;

import io.tally.counter.Outcome.Refusal;
import java.math.BigInteger;
import java.time.Duration;
import java.time.Instant;
import java.util.List;

/** The result of an audit of a shard. */
public sealed interface Audit {

    /**
     * The result of a comparison of the books.
     *
     * @param shard the number of the shard, from 1
     * @param drift the sum of all counters minus the sum of all writers' deltas; not 0 after a change outside the
     *     service
     * @param lostOperations the acknowledged operations of this instance without a record in the database; not 0 after
     *     a failover or restore that lost them
     * @param at the time of the audit, by the clock of this instance
     */
    record Report(
            int shard,
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

    /**
     * The books could not be read.
     *
     * @param shard the number of the shard, from 1
     */
    record Unread(int shard, Refusal refusal) implements Audit {}

    /**
     * The audits of all shards.
     *
     * @param reports in the order of the shards; each is of a snapshot of its own
     */
    record Books(List<Report> reports) {

        /** The numbers of the shards whose books do not balance. */
        public List<Integer> unbalanced() {
            return reports.stream()
                    .filter(report -> !report.balanced())
                    .map(Report::shard)
                    .toList();
        }

        /** The sums over all shards, the earliest time and the longest duration; the shard is the last one. */
        public Report total() {
            return reports.stream().reduce(Books::sum).orElseThrow();
        }

        private static Report sum(Report one, Report other) {
            return new Report(
                    other.shard(),
                    one.drift().add(other.drift()),
                    one.lostOperations() + other.lostOperations(),
                    one.counterSum().add(other.counterSum()),
                    one.writerSum().add(other.writerSum()),
                    one.at().isBefore(other.at()) ? one.at() : other.at(),
                    one.took().compareTo(other.took()) > 0 ? one.took() : other.took());
        }
    }
}
