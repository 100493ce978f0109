package io.tally.token;

import java.time.Instant;
import org.jspecify.annotations.Nullable;

/**
 * What came of executing a token. Kept under a key: renaming a part of it would make a day's keys unreadable.
 *
 * @param executedAt when it was executed now; else {@code null}
 */
public record Execution(Result result, @Nullable Instant executedAt) {

    /** In one word. */
    public enum Result {
        /** It was pending, and this execution was the one. */
        EXECUTED,
        /** It had been executed before. */
        EXECUTED_BEFORE,
        /** There is no such token, or it expired. */
        ABSENT
    }
}
