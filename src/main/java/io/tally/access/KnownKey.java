package io.tally.access;

import io.tally.access.AccessKey.Secrets;
import io.tally.access.AccessKeyStore.Stored;
import io.tally.access.AccessRefusals.Reason;
import io.tally.access.RateLimit.Permit;
import io.tally.http.AccessControl.Access;
import io.tally.http.AccessControl.Granted;
import io.tally.http.Caller;
import java.time.Instant;
import java.util.Objects;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.springframework.http.HttpHeaders;
import reactor.core.publisher.Sinks;

/** An access key in the memory of this instance. Safe for use by many threads. */
final class KnownKey {

    private static final long NEVER = Long.MAX_VALUE;

    /** Exact to a second, so that threads rarely write the same field. */
    private static final long USE_RESOLUTION_MILLIS = 1_000;

    private final AccessKey key;
    private final Secret current;

    /** {@code null} if the key was never rotated. */
    private final @Nullable Secret previous;

    private final @Nullable RateLimit limit;
    private final long expiresAtMillis;
    private volatile long lastUseMillis;

    /**
     * A secret of the key.
     *
     * @param untilMillis the end of its grace
     * @param end ends the streams of requests with this secret
     */
    record Secret(KeyHash hash, long untilMillis, Sinks.Empty<Void> end, Granted granted) {}

    /**
     * A stored key.
     *
     * @param known the same key as it was before; its rate limit and its streams go on
     */
    KnownKey(Stored stored, @Nullable KnownKey known, int instances, Caller.Observer observer) {
        key = stored.key();
        Secrets secrets = stored.secrets();
        current = secret(secrets.hash(), NEVER, known, observer);
        KeyHash previousHash = secrets.previousHash();
        Instant previousUntil = secrets.previousUntil();
        previous = previousHash == null || previousUntil == null
                ? null
                : secret(previousHash, previousUntil.toEpochMilli(), known, observer);
        expiresAtMillis = key.expiresAt() == null ? NEVER : key.expiresAt().toEpochMilli();
        Integer perSecond = key.perSecond();
        if (perSecond == null) {
            limit = null;
        } else {
            limit = known != null && known.limit != null && Objects.equals(known.key.perSecond(), perSecond)
                    ? known.limit
                    : new RateLimit(perSecond, instances);
        }
        lastUseMillis = known == null ? 0 : known.lastUseMillis;
    }

    private Secret secret(KeyHash hash, long untilMillis, @Nullable KnownKey known, Caller.Observer observer) {
        Sinks.Empty<Void> end = known == null ? Sinks.empty() : known.end(hash);
        Caller caller = new Caller("key:" + key.name(), "key:" + key.id(), key.grants(), observer, end.asMono());
        return new Secret(hash, untilMillis, end, new Granted(caller, HttpHeaders.EMPTY));
    }

    private Sinks.Empty<Void> end(KeyHash hash) {
        return secrets()
                .filter(secret -> secret.hash().matches(hash))
                .findFirst()
                .map(Secret::end)
                .orElseGet(Sinks::empty);
    }

    private Stream<Secret> secrets() {
        return previous == null ? Stream.of(current) : Stream.of(current, previous);
    }

    String id() {
        return key.id();
    }

    /**
     * The secret of a hash: that of the key, or the one before its rotation while the grace lasts.
     *
     * @return {@code null} if it is neither
     */
    @Nullable
    Secret secret(KeyHash hash, long nowMillis) {
        if (current.hash().matches(hash)) {
            return current;
        }
        return previous != null
                        && nowMillis < previous.untilMillis()
                        && previous.hash().matches(hash)
                ? previous
                : null;
    }

    /** Decides on a request with a {@link #secret}. */
    Access decide(Secret secret, long nowMillis, AccessRefusals refusals) {
        if (key.revokedAt() != null) {
            return refusals.deny(Reason.REVOKED, toString());
        }
        if (nowMillis >= expiresAtMillis) {
            return refusals.deny(Reason.EXPIRED, toString());
        }
        if (nowMillis - lastUseMillis >= USE_RESOLUTION_MILLIS) {
            lastUseMillis = nowMillis;
        }
        return limit == null ? secret.granted() : limited(secret, limit.take(), refusals);
    }

    private Access limited(Secret secret, Permit permit, AccessRefusals refusals) {
        return permit.granted()
                ? new Granted(secret.granted().caller(), permit.fields())
                : refusals.deny(Reason.RATE_LIMITED, toString(), permit.fields());
    }

    /**
     * Ends the streams of secrets that are no longer valid.
     *
     * @param next the same key as it is now; {@code null} if it was removed
     */
    void endStreams(@Nullable KnownKey next, long nowMillis) {
        secrets()
                .filter(secret -> next == null || !next.isValid(secret.hash(), nowMillis))
                .forEach(secret -> secret.end().tryEmitEmpty());
    }

    private boolean isValid(KeyHash hash, long nowMillis) {
        return key.revokedAt() == null && nowMillis < expiresAtMillis && secret(hash, nowMillis) != null;
    }

    /** The last use on this instance, in milliseconds since the epoch; 0 if there was none. */
    long lastUseMillis() {
        return lastUseMillis;
    }

    /** The name and the id, for the log. */
    @Override
    public String toString() {
        return "key " + key.name() + " (" + key.id() + ")";
    }
}
