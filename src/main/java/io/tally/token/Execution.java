package io.tally.token;

import java.time.Instant;
import org.jspecify.annotations.Nullable;

/**
 * The result of executing a token. Stored under idempotency keys: renaming a component makes stored results unreadable.
 *
 * @param executedAt when it was executed now; else {@code null}
 */
public record Execution(Result result, @Nullable Instant executedAt) {

    /** Whether the token was executed. */
    public enum Result {
        /** It was pending, and this execution was the one. */
        EXECUTED,
        /** It had been executed before. */
        EXECUTED_BEFORE,
        /** The token does not exist, or it has expired. */
        ABSENT
    }
}
