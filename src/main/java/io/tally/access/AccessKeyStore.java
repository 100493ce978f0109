package io.tally.access;

import io.tally.access.AccessKey.Secrets;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import reactor.core.publisher.Mono;

/**
 * The store of access keys. Fails with {@link io.tally.pipeline.StoreFailure} only; each subscription runs the
 * statements. Each change increments the generation in the same transaction.
 */
interface AccessKeyStore {

    /** A key and the digests of its secrets. */
    record Stored(AccessKey key, Secrets secrets) {}

    /**
     * Stores a key. Removes revoked and expired keys, those that ended first, as far as that makes room.
     *
     * @param key its times are ignored, except the expiry
     * @param max the maximum of stored keys
     * @return empty if there are so many keys that are neither revoked nor expired
     */
    Mono<AccessKey> create(AccessKey key, KeyHash hash, int max);

    /** A key; empty if there is none. */
    Mono<AccessKey> find(String id);

    /**
     * Keys in the order of their names and ids.
     *
     * @param afterName the name before the page, {@code null} for the first page
     * @param afterId the id before the page
     */
    Mono<List<AccessKey>> list(@Nullable String afterName, String afterId, int max);

    /**
     * Replaces the secret of a key. Its previous secret stays valid for the grace, the one before it does not.
     *
     * @return empty if there is no such key, or if it is revoked or expired
     */
    Mono<AccessKey> rotate(String id, KeyHash hash, Duration grace);

    /** Revokes a key, once; empty if there is none. */
    Mono<AccessKey> revoke(String id);

    /** Records the last uses of keys. Does not change the generation. */
    Mono<Void> used(Map<String, Instant> lastUses);

    /** The generation of the keys. A replica fails. */
    Mono<Long> generation();

    /** All keys, no older than a generation that was read before. */
    Mono<List<Stored>> all();
}
