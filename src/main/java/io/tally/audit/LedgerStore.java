package io.tally.audit;

import java.math.BigInteger;
import java.util.Map;
import java.util.Set;
import reactor.core.publisher.Mono;

/** The books in the database. Fails with {@link io.tally.pipeline.StoreFailure} only. */
public interface LedgerStore {

    /**
     * Sums both sides in one snapshot.
     *
     * @param writers the writers whose rows are read, too
     */
    Mono<Balance> balance(Set<Long> writers);

    /**
     * Records a heartbeat of these writers, and merges the rows of writers without heartbeats for days into one row.
     */
    Mono<Void> tidy(Set<Long> writers);

    /** Closes its connections. */
    Mono<Void> close();

    /**
     * The books in one snapshot.
     *
     * @param counters the sum of all counters
     * @param deltas the sum of the deltas of all writers
     * @param operations the recorded operations of each requested writer; a writer without a row is absent
     */
    record Balance(BigInteger counters, BigInteger deltas, Map<Long, Long> operations) {}
}
