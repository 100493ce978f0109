package io.tally.period;

import io.tally.counter.CounterId;
import java.time.Instant;
import java.util.List;
import reactor.core.publisher.Mono;

/**
 * The counters that time has changed, and which instance sweeps them. Every {@code Mono} fails with {@link
 * io.tally.pipeline.StoreFailure} only, and may be cancelled.
 */
interface Sweeps {

    /** A kind of pass. */
    enum Kind {
        /** Begins the current periods of counters whose value changes by that. */
        PERIODS,
        /** Removes expired counters. */
        EXPIRY
    }

    /**
     * Takes or keeps the lease of a pass; empty if another instance has it.
     *
     * @return the time up to which all counters have been swept
     */
    Mono<Claim> claim(Kind kind);

    /** The next counters whose period or life ended after a position, and not later than a time, in this order. */
    Mono<Chunk> due(Kind kind, Position after, Instant until, int max);

    /** Records that all counters up to that time have been swept, if this instance has the lease. */
    Mono<Void> reached(Kind kind, Instant time);

    /**
     * The lease of a pass.
     *
     * @param reached the time up to which all counters have been swept
     * @param now the time of the database
     */
    record Claim(Instant reached, Instant now) {}

    /** A position in the order of ends. */
    record Position(Instant end, String namespace, String name) {
        /** The position before all counters that end at that time or later. */
        static Position before(Instant end) {
            return new Position(end, "", "");
        }
    }

    /**
     * A part of the counters whose period or life has ended.
     *
     * @param due those to sweep
     * @param read the number of counters that were read
     * @param last the position of the last one
     */
    record Chunk(List<CounterId> due, int read, Position last) {}
}
