package io.tally.member;

import io.tally.counter.CounterId;
import io.tally.counter.Kind;
import io.tally.counter.MemberId;
import java.time.Instant;
import java.util.List;
import reactor.core.publisher.Mono;

/**
 * Reads of members, as of the beginning of the statement: no older than what was acknowledged before. Cold; fails with
 * {@link io.tally.pipeline.StoreFailure} only.
 */
public interface Members {

    /** Whether the member is one of its counter; empty if there is no such counter. */
    Mono<Presence> read(MemberId member);

    /**
     * Members in the order of their bytes; empty if there is no such counter.
     *
     * @param after the member after which to begin, empty to begin with the first
     * @param max how many at most
     */
    Mono<Listing> list(CounterId counter, String after, int max);

    /** A counter, and whether it has the member. */
    record Presence(Kind kind, boolean member, long value, long version) {}

    /** Members of a counter. */
    record Listing(Kind kind, List<Membership> members) {}

    /** A member, and since when. */
    record Membership(String member, Instant joinedAt) {}
}
