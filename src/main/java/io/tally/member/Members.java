package io.tally.member;

import io.tally.counter.CounterId;
import io.tally.counter.Kind;
import io.tally.counter.MemberId;
import java.time.Instant;
import java.util.List;
import reactor.core.publisher.Mono;

/**
 * Reads of members, as of the start of the statement: no older than operations acknowledged before. Cold; fails with
 * {@link io.tally.pipeline.StoreFailure} only.
 */
public interface Members {

    /** Whether the counter has the member; empty if the counter does not exist. */
    Mono<Presence> read(MemberId member);

    /**
     * Members in the order of their bytes; empty if the counter does not exist.
     *
     * @param after the member before the first one to list; empty for the first page
     * @param max the maximum of members
     */
    Mono<Listing> list(CounterId counter, String after, int max);

    /** A counter, and whether it has the member. */
    record Presence(Kind kind, boolean member, long value, long version) {}

    /** Members of a counter. */
    record Listing(Kind kind, List<Membership> members) {}

    /** A member, and the time of its join. */
    record Membership(String member, Instant joinedAt) {}
}
