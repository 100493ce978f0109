package io.tally.bulk;

import io.tally.counter.OutcomeCategory;

/** What bulk requests tell whoever measures them. Called from many threads: cheap, and never blocking. */
public interface BulkMetrics {

    /** So many lines or items were answered that way; malformed ones are rejected. */
    void lines(OutcomeCategory category, long count);
}
