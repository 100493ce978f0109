package io.tally.ranking;

import io.tally.counter.Outcome.Refusal;
import java.time.Instant;

/** The state of the order of a namespace's counters. */
public sealed interface RankingState {

    /** The order as of that pass, which includes all operations acknowledged before. */
    record AsOf(Instant pass) implements RankingState {}

    /** Not known yet: the first pass over a large namespace is in progress. */
    record Pending() implements RankingState {}

    /** The order could not be read. */
    record Unread(Refusal refusal) implements RankingState {}
}
