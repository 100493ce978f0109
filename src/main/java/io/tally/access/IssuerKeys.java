package io.tally.access;

import com.nimbusds.jose.JWSHeader;
import com.nimbusds.jose.jwk.JWK;
import com.nimbusds.jose.jwk.JWKMatcher;
import com.nimbusds.jose.jwk.JWKSelector;
import com.nimbusds.jose.jwk.JWKSet;
import java.text.ParseException;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.LongSupplier;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.springframework.core.NestedExceptionUtils;
import org.springframework.scheduling.annotation.Scheduled;
import reactor.core.publisher.Mono;

/**
 * The public keys of the issuer of tokens. Loads them at the start, every five minutes, and for a token of a key that
 * is unknown. While the issuer is unavailable, the keys of before remain. Safe for use by many threads.
 */
final class IssuerKeys {

    /** The minimum time between two loads, so that tokens with invented key ids do not overload the issuer. */
    static final Duration LOAD_INTERVAL = Duration.ofSeconds(5);

    /** The time-out of a load. Shorter than the interval, so that loads do not overlap. */
    private static final Duration LOAD_TIMEOUT = Duration.ofSeconds(4);

    /** A key that the issuer has withdrawn is used at most this long, and tokens that were verified with it as long. */
    private static final int REFRESH_INTERVAL_MILLIS = 300_000;

    private static final Logger log = LoggerFactory.getLogger(IssuerKeys.class);

    private final Mono<String> document;
    private final LongSupplier nanoTime;
    private final AtomicReference<@Nullable Load> latest = new AtomicReference<>();
    private volatile JWKSet held = new JWKSet();
    private volatile boolean available = true;

    /**
     * A load of the keys.
     *
     * @param keys the result, for all who need it; cancelling it has no effect on others
     */
    private record Load(long startedNanos, Mono<JWKSet> keys) {}

    /** The keys cannot be loaded. */
    static final class UnavailableException extends RuntimeException {

        private static final long serialVersionUID = 1L;

        UnavailableException(Throwable cause) {
            super(cause);
        }
    }

    /**
     * No keys yet.
     *
     * @param document loads the JWK set on subscription; fails with any exception if that is impossible
     */
    IssuerKeys(Mono<String> document, LongSupplier nanoTime) {
        this.document = document;
        this.nanoTime = nanoTime;
    }

    /**
     * The keys that may have signed a token with this header; empty if there are none.
     *
     * @return fails with {@link UnavailableException} if no such key is known and the issuer is unavailable
     */
    Mono<List<JWK>> find(JWSHeader header) {
        return Mono.defer(() -> {
            JWKSelector selector = new JWKSelector(JWKMatcher.forJWSHeader(header));
            List<JWK> known = selector.select(held);
            return known.isEmpty() ? load().map(selector::select) : Mono.just(known);
        });
    }

    /** Follows an issuer that withdraws keys. */
    @Scheduled(fixedDelay = REFRESH_INTERVAL_MILLIS)
    Mono<Void> refresh() {
        return Mono.defer(this::load).then().onErrorComplete(UnavailableException.class);
    }

    private Mono<JWKSet> load() {
        Load last = latest.get();
        long now = nanoTime.getAsLong();
        if (last != null && now - last.startedNanos() < LOAD_INTERVAL.toNanos()) {
            return last.keys();
        }
        Load next = new Load(now, keys().cache());
        return latest.compareAndSet(last, next) ? next.keys() : load();
    }

    private Mono<JWKSet> keys() {
        return document.switchIfEmpty(Mono.error(() -> new IllegalArgumentException("The response is empty")))
                .map(IssuerKeys::parse)
                .timeout(LOAD_TIMEOUT)
                .doOnNext(this::loaded)
                .doOnError(this::failed)
                .onErrorMap(UnavailableException::new);
    }

    private static JWKSet parse(String document) {
        try {
            return JWKSet.parse(document);
        } catch (ParseException e) {
            throw new IllegalArgumentException("The response is not a JWK set: " + e.getMessage(), e);
        }
    }

    private void loaded(JWKSet keys) {
        List<String> ids = ids(keys);
        if (!available || !ids.equals(ids(held))) {
            log.info("Loaded the keys of the issuer of tokens: {}", ids);
        }
        held = keys;
        available = true;
    }

    private static List<String> ids(JWKSet keys) {
        return keys.getKeys().stream()
                .map(key -> key.getKeyID() == null ? "(without an id)" : key.getKeyID())
                .toList();
    }

    private void failed(Throwable failure) {
        if (available) {
            available = false;
            log.warn(
                    "The keys of the issuer of tokens cannot be loaded. Tokens of the known keys {} are accepted,"
                            + " others are refused with 503: {}",
                    ids(held),
                    NestedExceptionUtils.getMostSpecificCause(failure).toString());
        }
    }
}
