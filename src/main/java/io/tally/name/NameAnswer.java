package io.tally.name;

import io.tally.counter.Outcome;
import io.tally.counter.Outcome.Verdict;

/** What came of wanting the id of a name. */
public sealed interface NameAnswer {

    /** What the caller is told, in one word. */
    Verdict verdict();

    /**
     * The name has an id, and that is durable.
     *
     * @param created whether it was made for this caller: exactly one is told so
     */
    record Named(String name, long id, boolean created) implements NameAnswer {
        @Override
        public Verdict verdict() {
            return Verdict.APPLIED;
        }
    }

    /** No id, and why. Asking again does no harm. */
    record Unnamed(Outcome why) implements NameAnswer {
        @Override
        public Verdict verdict() {
            return why.verdict();
        }
    }
}
