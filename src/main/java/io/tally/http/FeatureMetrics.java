package io.tally.http;

import io.tally.counter.OutcomeCategory;

/**
 * Metrics of the features beside the lanes. Called from many threads: cheap, and never blocking.
 */
public interface FeatureMetrics {

    /** What was asked for. */
    enum Feature {
        /** Getting or making a name. */
        NAME,
        /** Issuing a token. */
        TOKEN,
        /** Executing a token. */
        EXECUTION,
        /** Taking a snapshot. */
        SNAPSHOT
    }

    /** So many callers, or items, were told that. */
    void recordOutcome(Feature feature, OutcomeCategory category, long count);
}
