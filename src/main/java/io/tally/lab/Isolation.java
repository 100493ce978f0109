package io.tally.lab;

import io.tally.counter.Labels;

/** The isolation level of the sessions that count. */
public enum Isolation {
    /** PostgreSQL's default: each statement sees what was committed before it began. */
    READ_COMMITTED,
    /**
     * Each transaction sees what was committed before it began, and is refused where it would overwrite something
     * newer.
     */
    REPEATABLE_READ,
    /** Transactions that could not have run one after the other are refused. */
    SERIALIZABLE;

    /** The name in the database and in responses. */
    public String label() {
        return Labels.label(this);
    }

    /** As SQL spells it. */
    public String sql() {
        return label().replace('-', ' ');
    }

    /**
     * The one with that label.
     *
     * @throws IllegalArgumentException with a message for the caller if there is none
     */
    public static Isolation of(String label) {
        return Labels.parse(values(), "isolation", label);
    }
}
