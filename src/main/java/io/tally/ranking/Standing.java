package io.tally.ranking;

import io.tally.counter.Outcome.Refusal;
import java.time.Instant;

/** How far the order of a namespace's counters is known. */
public sealed interface Standing {

    /** As of that pass: it has what was acknowledged before. */
    record AsOf(Instant pass) implements Standing {}

    /** Not yet: the first pass over so many counters takes its time. */
    record Pending() implements Standing {}

    /** It could not be read. */
    record Unread(Refusal refusal) implements Standing {}
}
