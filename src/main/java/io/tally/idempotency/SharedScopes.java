package io.tally.idempotency;

import io.tally.counter.IdempotencyKey;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import org.jspecify.annotations.Nullable;
import reactor.core.publisher.Mono;

/**
 * Chooses the scope of an idempotency key of a request that spans namespaces. With access control, each caller has a
 * scope of its own. Without it, all callers share a scope. A request that began there before the access control was
 * turned on stays there, so that its retry counts once. Safe for use by many threads.
 */
public final class SharedScopes {

    /** The maximum time in which instances without access control still run beside this one. */
    private static final Duration MODE_CHANGE_MAX = Duration.ofHours(1);

    private final StoredKeys stored;
    private final InstantSource clock;

    /** The time from which each record in a shared scope is of a request that began before this instance. */
    private final Instant expiry;

    /** The shared scopes without records. They stay so, since a request begins in the scope of its caller. */
    private final Set<String> empty = ConcurrentHashMap.newKeySet();

    /** A choice that looks at shared scopes for the retention and an hour from now, and then until they are empty. */
    public SharedScopes(StoredKeys stored, Duration retention, InstantSource clock) {
        this.stored = stored;
        this.clock = clock;
        this.expiry = clock.instant().plus(retention).plus(MODE_CHANGE_MAX);
    }

    /**
     * The key in the scope in which its request began. Reads at most two index entries, and nothing without a key or
     * without access control.
     *
     * @param own the key in the scope of its caller; {@code null} if the request has none
     * @param shared the shared scope of such requests
     * @return empty if the request has none; fails with {@link io.tally.pipeline.StoreFailure}
     */
    public Mono<Optional<IdempotencyKey>> choose(@Nullable IdempotencyKey own, String shared) {
        if (own == null || own.scope().equals(shared) || empty.contains(shared)) {
            return Mono.just(Optional.ofNullable(own));
        }
        IdempotencyKey former = new IdempotencyKey(shared, own.text());
        return isUsed(shared)
                .flatMap(used -> used ? isKnown(former) : Mono.just(false))
                .map(known -> Optional.of(known ? former : own));
    }

    /** A retry of an upload may have stored records in the shared scope later than {@link #expiry} assumes. */
    private Mono<Boolean> isUsed(String shared) {
        return clock.instant().isBefore(expiry)
                ? Mono.just(true)
                : stored.hasAny(shared).doOnNext(any -> {
                    if (!any) {
                        empty.add(shared);
                    }
                });
    }

    private Mono<Boolean> isKnown(IdempotencyKey former) {
        return former.scope().equals(IdempotencyKey.INCREMENTS) ? stored.hasLine(former) : stored.hasRequest(former);
    }
}
