package io.tally.lab;

import io.tally.counter.Labels;

/** A counting strategy of applications. */
public enum Strategy {
    /** Select the row, add one in the application, update the row. */
    READ_MODIFY_WRITE,
    /** Select the row and insert it if there is none, without a unique constraint. */
    GET_OR_CREATE_UNCONSTRAINED,
    /** Lock the table, then as the first. */
    TABLE_LOCK,
    /** Select the row for update, then as the first. */
    ROW_LOCK,
    /** Like the first, but the update succeeds only at the version that was read; otherwise retried. */
    OPTIMISTIC,
    /**
     * The first strategy in a serializable transaction, at any level of the session; retried after a serialization
     * failure.
     */
    SERIALIZABLE,
    /** One update whose expression the database evaluates. */
    ATOMIC,
    /** One insert with an update on conflict. */
    UPSERT,
    /** This service's pipeline. */
    LANES;

    /** The name in the database and in responses. */
    public String label() {
        return Labels.label(this);
    }

    /**
     * The one with that label.
     *
     * @throws IllegalArgumentException with a message for the caller if there is none
     */
    public static Strategy of(String label) {
        return Labels.parse(values(), "strategy", label);
    }
}
