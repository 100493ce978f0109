package io.tally.counter;

/** The categories of outcomes: the label of the meters. */
public enum OutcomeCategory {
    /** It was done and is durable. */
    APPLIED,
    /** It had been done before, under the same key. */
    REPLAYED,
    /** Nothing was done, because of the operation or the counter's state: a retry gets the same outcome. */
    REJECTED,
    /** Nothing was done, because of load or an absent database: a retry may succeed. */
    REFUSED,
    /** The outcome is unknown. */
    FAILED
}
