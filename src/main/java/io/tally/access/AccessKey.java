package io.tally.access;

import io.tally.http.Grant;
import java.time.Instant;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * A stored access key.
 *
 * @param perSecond the maximum of requests per second; {@code null} for no limit
 * @param expiresAt {@code null} if it never expires
 * @param lastUsedAt the last use, up to some minutes ago; {@code null} if it was never used
 * @param revokedAt {@code null} if it was not revoked
 */
record AccessKey(
        String id,
        String name,
        List<Grant> grants,
        @Nullable Integer perSecond,
        Instant createdAt,
        @Nullable Instant expiresAt,
        @Nullable Instant lastUsedAt,
        @Nullable Instant revokedAt) {

    AccessKey {
        grants = List.copyOf(grants);
    }

    /**
     * The digests of a key's secrets.
     *
     * @param hash the SHA-256 of the current key
     * @param previousHash the SHA-256 of the key before the last rotation, while its grace lasts
     * @param previousUntil the end of the grace
     */
    record Secrets(
            KeyHash hash,
            @Nullable KeyHash previousHash,
            @Nullable Instant previousUntil) {}
}
