package io.tally.token;

import java.time.Instant;
import org.jspecify.annotations.Nullable;

/**
 * The result of issuing a token. Stored under idempotency keys: renaming a component makes stored results unreadable.
 *
 * @param token {@code null} if all tried texts are pending
 * @param expiresAt {@code null} if it never expires
 */
public record Issued(@Nullable String token, @Nullable Instant expiresAt) {

    /** All tried texts are pending. */
    public static final Issued EXHAUSTED = new Issued(null, null);
}
