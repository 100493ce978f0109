package io.tally.token;

import java.time.Instant;
import org.jspecify.annotations.Nullable;

/**
 * The result of executing a token. Stored under idempotency keys: renaming a component makes stored results unreadable.
 *
 * @param executedAt the time of this execution; {@code null} if this request executed nothing
 */
public record Execution(Result result, @Nullable Instant executedAt) {

    /** The effect of the request. */
    public enum Result {
        /** This request executed the pending token. */
        EXECUTED,
        /** An earlier request executed the token. */
        EXECUTED_BEFORE,
        /** The token does not exist, or it has expired. */
        ABSENT
    }
}
