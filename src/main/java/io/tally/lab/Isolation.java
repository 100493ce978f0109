package io.tally.lab;

import io.tally.counter.Labels;

/** The isolation level of the workers' sessions. */
public enum Isolation {
    /** The default of PostgreSQL: each statement sees the data committed before it began. */
    READ_COMMITTED,
    /**
     * Each transaction sees the data committed before it began, and fails if it would overwrite newer data.
     */
    REPEATABLE_READ,
    /** Transactions that are not serializable fail. */
    SERIALIZABLE;

    /** The name in the database and in responses. */
    public String label() {
        return Labels.label(this);
    }

    /** The SQL name. */
    public String sql() {
        return label().replace('-', ' ');
    }

    /** The constant with that label.
     *
     * @throws IllegalArgumentException with a message for the caller if there is none
     */
    public static Isolation of(String label) {
        return Labels.parse(values(), "isolation", label);
    }
}
