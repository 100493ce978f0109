package io.tally.ranking;

import io.tally.counter.Counter;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;
import reactor.core.publisher.Mono;

/**
 * The order of counters, on the side of the database. Every {@code Mono} is cold and fails with {@link
 * io.tally.pipeline.StoreFailure} only.
 */
public interface Ranking {

    /** How long pages of a pass can be read, at least. */
    Duration PASS_LIFE = Duration.ofMinutes(4);

    /**
     * The state of the order of a namespace, after a pass over it where it is small and a pass is due. A large
     * namespace is stored as such, so that passes over it are due from now on.
     */
    Mono<RankingState> refresh(String namespace);

    /**
     * Makes a pass over one large namespace for which it is due, on a connection of its own, which is closed when none
     * is due any more; for one subscriber at a time.
     *
     * @return how long it took; empty if none was due, or another instance makes it
     */
    Mono<Optional<Duration>> refreshDue();

    /**
     * Counters in the order of their names, as they are now.
     *
     * @param after the name after which to begin, empty to begin with the first
     * @param max how many at most
     */
    Mono<Slice> byName(String namespace, String after, int max);

    /**
     * Counters in the order they stood in at a pass, each as it is now.
     *
     * @param sort any but {@link Sort#NAME}
     * @param after where to begin, {@code null} to begin with the first
     * @param max how many at most
     */
    Mono<Slice> byRank(String namespace, Sort sort, Instant pass, @Nullable Place after, int max);

    /** Closes what it holds open. */
    Mono<Void> close();

    /**
     * A place in an order.
     *
     * @param rank the value or the growth
     */
    record Place(long rank, String name) {}

    /**
     * What stands at a place.
     *
     * @param counter as it is now, {@code null} if it was removed since
     */
    record Entry(
            Place place,
            @Nullable Counter counter,
            @Nullable Long snapshotValue) {}

    /**
     * A part of a list.
     *
     * @param at when it was read, by the database's clock
     */
    record Slice(Instant at, List<Entry> entries) {}
}
