package io.tally.counter;

/** The category of an outcome, a label of the meters. */
public enum OutcomeCategory {
    /** The operation was applied and is durable. */
    APPLIED,
    /** An earlier request with the same key had been applied. */
    REPLAYED,
    /** Nothing was applied because of the operation or the state of the counter: a retry has the same outcome. */
    REJECTED,
    /** Nothing was applied because of overload or an unavailable database: a retry may succeed. */
    REFUSED,
    /** The outcome is unknown. */
    FAILED
}
