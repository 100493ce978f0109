package io.tally.ranking;

import io.tally.counter.Counter;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;
import reactor.core.publisher.Mono;

/**
 * The store of the order of counters. Every {@code Mono} is cold and fails with {@link io.tally.pipeline.StoreFailure}
 * only.
 */
public interface Ranking {

    /** The minimum time for which pages of a pass can be read. */
    Duration PASS_LIFE = Duration.ofMinutes(4);

    /**
     * The state of the order of a namespace. Makes a due pass over a small namespace first. Records a large namespace
     * as large, so that passes over it are due from now on.
     */
    Mono<RankingState> refresh(String namespace);

    /**
     * Makes a due pass over one large namespace, on a dedicated connection, which is closed when no pass is due. For
     * one subscriber at a time.
     *
     * @return the duration; empty if no pass was due, or another instance makes it
     */
    Mono<Optional<Duration>> refreshDue();

    /**
     * Counters in the order of their names, in their current state.
     *
     * @param prefix how the names begin; empty for all
     * @param after the name before the first counter to list; empty for the first page
     * @param max the maximum of counters
     */
    Mono<Slice> byName(String namespace, String prefix, String after, int max);

    /**
     * Counters in the order of a pass, each in its current state.
     *
     * @param sort any but {@link Sort#NAME}
     * @param after the place before the first counter to list; {@code null} for the first page
     * @param max the maximum of counters
     */
    Mono<Slice> byRank(String namespace, Sort sort, Instant pass, @Nullable Place after, int max);

    /** Closes its connections. */
    Mono<Void> close();

    /**
     * A place in an order.
     *
     * @param rank the value or the growth
     */
    record Place(long rank, String name) {}

    /**
     * The counter at a place.
     *
     * @param counter its current state; {@code null} if it was deleted since
     */
    record Entry(
            Place place,
            @Nullable Counter counter,
            @Nullable Long snapshotValue) {}

    /**
     * A part of a list.
     *
     * @param at the time of the read, by the clock of the database
     */
    record Slice(Instant at, List<Entry> entries) {}
}
