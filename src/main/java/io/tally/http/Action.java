package io.tally.http;

import com.fasterxml.jackson.annotation.JsonValue;
import io.tally.counter.Labels;

/** What a grant allows. No action includes another. */
public enum Action {
    /** Reads, live streams and dry runs. */
    READ,
    /** Increments, get-or-create, members, names, tokens and transactions. */
    WRITE,
    /** Amending and deleting counters, and snapshots. */
    MANAGE,
    /** Access keys, audits and the lab, in all namespaces. */
    ADMIN;

    /** The name in grants and problems. */
    @JsonValue
    public String label() {
        return Labels.label(this);
    }
}
