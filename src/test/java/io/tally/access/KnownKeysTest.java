package io.tally.access;

import static org.assertj.core.api.Assertions.assertThat;

import io.micrometer.core.instrument.MeterRegistry;
import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import io.tally.access.AccessKey.Secrets;
import io.tally.access.AccessKeyStore.Stored;
import io.tally.http.AccessControl.Access;
import io.tally.http.AccessControl.Denied;
import io.tally.http.AccessControl.Granted;
import io.tally.http.AccessControl.Pending;
import io.tally.http.Caller;
import io.tally.http.Grant;
import io.tally.lane.CallerExecutor;
import io.tally.pipeline.PipelineProperties;
import io.tally.pipeline.StoreFailure;
import io.tally.pipeline.StoreFailure.Cause;
import io.tally.pipeline.StoreFailure.Kind;
import java.security.SecureRandom;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.UnaryOperator;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.springframework.boot.context.properties.bind.Binder;
import reactor.core.publisher.Mono;
import reactor.core.publisher.Sinks;

/** Keys in memory, with a store and a time that the test moves by hand. */
class KnownKeysTest {

    private static final SecureRandom RANDOM = new SecureRandom();
    private static final Instant NOW = Instant.parse("2026-11-22T10:00:00Z");

    private final MeterRegistry meters = new SimpleMeterRegistry();
    private final Store store = new Store();
    private long nanos;
    private Instant now = NOW;
    private final KnownKeys known =
            new KnownKeys(store, KnownKeys.TRUSTED_MAX, 2, Caller.Observer.NONE, () -> now, () -> nanos);
    private final KeyAccess access = new KeyAccess(
            known,
            new KeyPolls(
                    store,
                    known,
                    new Binder(List.of()).bindOrCreate("tally.pipeline", PipelineProperties.class),
                    CallerExecutor.ANY,
                    () -> nanos),
            new AccessRefusals(meters),
            () -> now);

    /** A store in memory. */
    private static final class Store implements AccessKeyStore {

        private final List<Stored> keys = new ArrayList<>();
        private long generation;
        private int polls;
        private Sinks.@Nullable Empty<Void> held;
        private boolean away;

        String add(@Nullable Instant expiresAt) {
            String id = KeyFormat.newId(RANDOM);
            String key = KeyFormat.newKey(RANDOM, id);
            keys.add(new Stored(
                    new AccessKey(id, "test", List.of(Grant.ALL), null, NOW, expiresAt, null, null),
                    new Secrets(KeyHash.of(key), null, null)));
            generation++;
            return key;
        }

        @Override
        public Mono<Long> generation() {
            return Mono.defer(() -> {
                polls++;
                Mono<Long> found = away
                        ? Mono.error(new StoreFailure(Kind.UNAVAILABLE, Cause.CONNECTION, "away"))
                        : Mono.just(generation);
                return held == null ? found : held.asMono().then(found);
            });
        }

        @Override
        public Mono<List<Stored>> all() {
            return Mono.fromSupplier(() -> List.copyOf(keys));
        }

        @Override
        public Mono<AccessKey> create(AccessKey key, KeyHash hash, int max) {
            throw new UnsupportedOperationException();
        }

        @Override
        public Mono<AccessKey> find(String id) {
            throw new UnsupportedOperationException();
        }

        @Override
        public Mono<List<AccessKey>> list(@Nullable String afterName, String afterId, int max) {
            throw new UnsupportedOperationException();
        }

        @Override
        public Mono<AccessKey> rotate(String id, KeyHash hash, Duration grace) {
            throw new UnsupportedOperationException();
        }

        @Override
        public Mono<AccessKey> revoke(String id) {
            throw new UnsupportedOperationException();
        }

        @Override
        public Mono<Void> used(Map<String, Instant> lastUses) {
            throw new UnsupportedOperationException();
        }
    }

    private Access decide(String token) {
        Access decided = access.decide(token);
        return decided instanceof Pending pending
                ? Objects.requireNonNull(pending.access().block(Duration.ofSeconds(5)))
                : decided;
    }

    private int status(String token) {
        return decide(token) instanceof Denied denied
                ? denied.problem().problem().getStatus()
                : 200;
    }

    private double refused(String reason) {
        return meters.get("tally.access.refused")
                .tag("reason", reason)
                .counter()
                .count();
    }

    @Test
    void knownKeyIsDecidedWithoutAPoll() {
        String key = store.add(null);
        assertThat(access.decide(key)).isInstanceOf(Pending.class);
        assertThat(decide(key)).isInstanceOf(Granted.class);
        int polls = store.polls;
        assertThat(access.decide(key)).isInstanceOf(Granted.class);
        assertThat(store.polls).isEqualTo(polls);
    }

    @Test
    void mistypedKeyIsRefusedWithoutAPoll() {
        String key = store.add(null);
        char last = key.charAt(key.length() - 1);
        String mistyped = key.substring(0, key.length() - 1) + (last == 'a' ? 'b' : 'a');
        assertThat(access.decide(mistyped)).isInstanceOf(Denied.class);
        assertThat(store.polls).isZero();
        assertThat(refused("malformed")).isOne();
    }

    @Test
    void keysAreTrustedForAMinuteWithoutTheDatabase() {
        String key = store.add(null);
        assertThat(status(key)).isEqualTo(200);
        store.away = true;
        String later = store.add(null);
        nanos += KnownKeys.TRUSTED_MAX.toNanos() - 1;
        assertThat(status(key)).isEqualTo(200);
        assertThat(status(later)).isEqualTo(503);
        nanos++;
        assertThat(status(key)).isEqualTo(503);
        assertThat(refused("unavailable")).isEqualTo(2);
        store.away = false;
        assertThat(status(later)).isEqualTo(200);
        assertThat(status(key)).isEqualTo(200);
    }

    @Test
    void keyExpires() {
        String key = store.add(NOW.plusMillis(2));
        assertThat(status(key)).isEqualTo(200);
        now = NOW.plusMillis(1);
        assertThat(status(key)).isEqualTo(200);
        now = NOW.plusMillis(2);
        assertThat(status(key)).isEqualTo(401);
        assertThat(refused("expired")).isOne();
    }

    @Test
    void keyThatWasNotUsedHasNoLastUse() {
        String used = store.add(null);
        store.add(null);
        assertThat(status(used)).isEqualTo(200);
        assertThat(known.usedSince(0)).containsOnly(Map.entry(Objects.requireNonNull(KeyFormat.id(used)), NOW));
    }

    /** A flood of made-up keys costs the database one statement at a time. */
    @Test
    void unknownKeysShareAPoll() {
        store.held = Sinks.empty();
        List<Access> decided = new ArrayList<>();
        for (int i = 0; i < 20_000; i++) {
            Pending pending = (Pending) access.decide(KeyFormat.newKey(RANDOM, KeyFormat.newId(RANDOM)));
            pending.access().subscribe(decided::add);
        }
        assertThat(store.polls).isOne();
        // The queue is full.
        assertThat(refused("overloaded")).isBetween(9_990.0, 10_000.0);
        Sinks.Empty<Void> held = store.held;
        store.held = null;
        held.tryEmitEmpty();
        assertThat(decided).hasSize(20_000).allMatch(Denied.class::isInstance);
        assertThat(store.polls).isEqualTo(2);
        assertThat(refused("unknown")).isBetween(10_000.0, 10_010.0);
    }

    // ---- streams

    private AtomicBoolean stream(String key) {
        AtomicBoolean ended = new AtomicBoolean();
        Granted granted = (Granted) Objects.requireNonNull(decide(key));
        granted.caller().end().subscribe(nothing -> {}, failure -> {}, () -> ended.set(true));
        return ended;
    }

    private void poll() {
        known.poll().block();
    }

    private void change(UnaryOperator<AccessKey> key, UnaryOperator<Secrets> secrets) {
        Stored stored = store.keys.removeFirst();
        store.keys.addFirst(new Stored(key.apply(stored.key()), secrets.apply(stored.secrets())));
        store.generation++;
    }

    private static AccessKey ended(AccessKey key, @Nullable Instant expiresAt, @Nullable Instant revokedAt) {
        return new AccessKey(key.id(), key.name(), key.grants(), 7, NOW, expiresAt, null, revokedAt);
    }

    @Test
    void aRevocationEndsStreams() {
        AtomicBoolean first = stream(store.add(null));
        AtomicBoolean other = stream(store.add(null));
        poll();
        change(key -> ended(key, null, null), secrets -> secrets);
        poll();
        assertThat(first).isFalse();
        change(key -> ended(key, null, NOW), secrets -> secrets);
        poll();
        assertThat(first).isTrue();
        assertThat(other).isFalse();
        store.keys.removeLast();
        store.generation++;
        poll();
        assertThat(other).isTrue();
    }

    @Test
    void anExpiryEndsStreams() {
        AtomicBoolean ended = stream(store.add(NOW.plusMillis(2)));
        now = NOW.plusMillis(1);
        poll();
        assertThat(ended).isFalse();
        now = NOW.plusMillis(2);
        poll();
        assertThat(ended).isTrue();
    }

    @Test
    void theEndOfAGraceEndsStreamsOfTheOldSecret() {
        String old = store.add(null);
        String fresh = KeyFormat.newKey(RANDOM, String.valueOf(KeyFormat.id(old)));
        AtomicBoolean ofOld = stream(old);
        change(key -> key, secrets -> new Secrets(KeyHash.of(fresh), secrets.hash(), NOW.plusMillis(2)));
        poll();
        AtomicBoolean ofFresh = stream(fresh);
        AtomicBoolean laterOfOld = stream(old);
        now = NOW.plusMillis(1);
        poll();
        assertThat(ofOld).isFalse();
        now = NOW.plusMillis(2);
        poll();
        assertThat(ofOld).isTrue();
        assertThat(laterOfOld).isTrue();
        assertThat(ofFresh).isFalse();
        change(key -> key, secrets -> new Secrets(KeyHash.of(old), secrets.hash(), NOW));
        poll();
        assertThat(ofFresh).isTrue();
    }
}
