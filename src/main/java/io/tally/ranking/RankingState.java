package io.tally.ranking;

import io.tally.counter.Outcome.Refusal;
import java.time.Instant;

/** The state of the order of a namespace's counters. */
public sealed interface RankingState {

    /** Known as of that pass: it has everything that was acknowledged before. */
    record AsOf(Instant pass) implements RankingState {}

    /** Not known yet: the first pass over a large namespace is in progress. */
    record Pending() implements RankingState {}

    /** It could not be read. */
    record Unread(Refusal refusal) implements RankingState {}
}
