package io.tally.access;

import io.tally.access.AccessKeyStore.Stored;
import io.tally.http.Caller;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.function.LongSupplier;
import org.jspecify.annotations.Nullable;
import reactor.core.publisher.Mono;

/**
 * All access keys, in the memory of this instance, as of the last poll. {@link #poll} runs one at a time; any thread
 * may read.
 */
final class KnownKeys {

    /** For how long keys are valid without a successful poll: long enough for a failover of the database. */
    static final Duration TRUSTED_MAX = Duration.ofSeconds(60);

    /** With several shards, the loss of the first one must not stop the others. No key can be changed meanwhile. */
    static final Duration TRUSTED_WITH_SHARDS = Duration.ofDays(365);

    private final AccessKeyStore store;
    private final Duration trustedMax;
    private final int instances;
    private final Caller.Observer observer;
    private final InstantSource clock;
    private final LongSupplier nanoClock;
    private volatile @Nullable Snapshot snapshot;

    /**
     * The keys of a generation.
     *
     * @param confirmedNanos the begin of the last poll that found this generation
     */
    private record Snapshot(long generation, long confirmedNanos, Map<String, KnownKey> keys) {}

    KnownKeys(
            AccessKeyStore store,
            Duration trustedMax,
            int instances,
            Caller.Observer observer,
            InstantSource clock,
            LongSupplier nanoClock) {
        this.store = store;
        this.trustedMax = trustedMax;
        this.instances = instances;
        this.observer = observer;
        this.clock = clock;
        this.nanoClock = nanoClock;
    }

    /** For how long keys are valid without a successful poll. */
    Duration trustedMax() {
        return trustedMax;
    }

    /** A key; {@code null} if it is not known. */
    @Nullable
    KnownKey find(String id) {
        Snapshot current = snapshot;
        return current == null ? null : current.keys().get(id);
    }

    /** Whether the last successful poll is recent enough to trust the keys. */
    boolean isTrusted() {
        Snapshot current = snapshot;
        return current != null && nanoClock.getAsLong() - current.confirmedNanos() < trustedMax.toNanos();
    }

    /**
     * Reads the generation, and all keys if it has changed. Then ends the streams of secrets that are no longer valid.
     * Fails as the store does.
     */
    Mono<Void> poll() {
        return Mono.defer(() -> {
            long begunNanos = nanoClock.getAsLong();
            return store.generation().flatMap(generation -> update(generation, begunNanos));
        });
    }

    private Mono<Void> update(long generation, long begunNanos) {
        Snapshot current = snapshot;
        if (current != null && current.generation() == generation) {
            replace(current, new Snapshot(generation, begunNanos, current.keys()));
            return Mono.empty();
        }
        // Keys that change after the generation was read may be included. The next poll then reads them again.
        return store.all()
                .doOnNext(stored -> replace(current, new Snapshot(generation, begunNanos, keys(stored))))
                .then();
    }

    private void replace(@Nullable Snapshot before, Snapshot after) {
        snapshot = after;
        if (before != null) {
            long now = clock.millis();
            before.keys().forEach((id, key) -> key.endStreams(after.keys().get(id), now));
        }
    }

    private Map<String, KnownKey> keys(List<Stored> stored) {
        Map<String, KnownKey> keys = HashMap.newHashMap(stored.size());
        for (Stored each : stored) {
            String id = each.key().id();
            keys.put(id, new KnownKey(each, find(id), instances, observer));
        }
        return keys;
    }

    /** The last uses of keys on this instance since a time; without those that it has not seen. */
    Map<String, Instant> usedSince(long millis) {
        Map<String, Instant> uses = new HashMap<>();
        Snapshot current = snapshot;
        if (current != null) {
            current.keys().values().stream()
                    .filter(key -> key.lastUseMillis() > 0 && key.lastUseMillis() >= millis)
                    .forEach(key -> uses.put(key.id(), Instant.ofEpochMilli(key.lastUseMillis())));
        }
        return uses;
    }
}
