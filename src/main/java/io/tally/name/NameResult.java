package io.tally.name;

import io.tally.counter.Outcome;
import io.tally.counter.OutcomeCategory;

/** The result of a {@link NameRequest}. */
public sealed interface NameResult {

    /** The result in one word. */
    OutcomeCategory category();

    /**
     * The name has an id, and that is durable.
     *
     * @param created whether this request created the name; true for exactly one request
     */
    record Success(String name, long id, boolean created) implements NameResult {
        @Override
        public OutcomeCategory category() {
            return OutcomeCategory.APPLIED;
        }
    }

    /** No id. A retry is safe. */
    record Failure(Outcome cause) implements NameResult {
        @Override
        public OutcomeCategory category() {
            return cause.category();
        }
    }
}
