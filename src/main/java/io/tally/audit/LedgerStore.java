package io.tally.audit;

import java.math.BigInteger;
import java.util.Map;
import java.util.Set;
import reactor.core.publisher.Mono;

/** The database's side of the books. Fails with {@link io.tally.pipeline.StoreFailure} only. */
public interface LedgerStore {

    /**
     * Sums both sides in one snapshot.
     *
     * @param writers those whose own rows are read, too
     */
    Mono<Balance> balance(Set<Long> writers);

    /** Stores that these writers are alive, and folds those long silent into the row of former ones. */
    Mono<Void> tidy(Set<Long> writers);

    /** Closes what it holds open. */
    Mono<Void> close();

    /**
     * The books in one snapshot.
     *
     * @param counters the sum of all counters
     * @param deltas the sum of the deltas of all writers
     * @param operations how many operations each requested writer has on record; one without a row is absent
     */
    record Balance(BigInteger counters, BigInteger deltas, Map<Long, Long> operations) {}
}
