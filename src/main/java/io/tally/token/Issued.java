package io.tally.token;

import java.time.Instant;
import org.jspecify.annotations.Nullable;

/**
 * The result of issuing a token. Stored under idempotency keys: renaming a component makes stored results unreadable.
 *
 * @param token {@code null} if all texts that were tried are pending
 * @param expiresAt {@code null}: never
 */
public record Issued(@Nullable String token, @Nullable Instant expiresAt) {

    /** Every text that was tried is pending. */
    public static final Issued EXHAUSTED = new Issued(null, null);
}
