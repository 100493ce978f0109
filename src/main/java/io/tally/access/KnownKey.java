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
import org.jspecify.annotations.Nullable;
import org.springframework.http.HttpHeaders;

/** An access key in the memory of this instance. Safe for use by many threads. */
final class KnownKey {

    private static final long NEVER = Long.MAX_VALUE;

    /** Exact to a second, so that threads rarely write the same field. */
    private static final long USE_RESOLUTION_MILLIS = 1_000;

    private final AccessKey key;
    private final Secrets secrets;
    private final Granted unlimited;
    private final @Nullable RateLimit limit;
    private final long expiresAtMillis;
    private final long previousUntilMillis;
    private volatile long lastUseMillis;

    /**
     * A stored key.
     *
     * @param known the same key as it was before; its rate limit goes on
     */
    KnownKey(Stored stored, @Nullable KnownKey known, int instances, Caller.Observer observer) {
        key = stored.key();
        secrets = stored.secrets();
        unlimited = new Granted(
                new Caller("key:" + key.name(), "key:" + key.id(), key.grants(), observer), HttpHeaders.EMPTY);
        expiresAtMillis = millis(key.expiresAt());
        previousUntilMillis = secrets.previousUntil() == null ? 0 : millis(secrets.previousUntil());
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

    private static long millis(@Nullable Instant time) {
        return time == null ? NEVER : time.toEpochMilli();
    }

    String id() {
        return key.id();
    }

    /** Whether the hash is that of the key, or of the one before its rotation while the grace lasts. */
    boolean matches(KeyHash hash, long nowMillis) {
        KeyHash previous = secrets.previousHash();
        return secrets.hash().matches(hash)
                || (previous != null && nowMillis < previousUntilMillis && previous.matches(hash));
    }

    /** Decides on a request whose secret {@link #matches}. */
    Access decide(long nowMillis, AccessRefusals refusals) {
        if (key.revokedAt() != null) {
            return refusals.deny(Reason.REVOKED, toString());
        }
        if (nowMillis >= expiresAtMillis) {
            return refusals.deny(Reason.EXPIRED, toString());
        }
        if (nowMillis - lastUseMillis >= USE_RESOLUTION_MILLIS) {
            lastUseMillis = nowMillis;
        }
        return limit == null ? unlimited : limited(limit.take(), refusals);
    }

    private Access limited(Permit permit, AccessRefusals refusals) {
        return permit.granted()
                ? new Granted(unlimited.caller(), permit.fields())
                : refusals.deny(Reason.RATE_LIMITED, toString(), permit.fields());
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
