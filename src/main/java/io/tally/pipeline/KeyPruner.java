package io.tally.pipeline;

import io.tally.pipeline.ExpiredKeys.Removal;
import java.time.Duration;
import java.time.Instant;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.springframework.scheduling.annotation.Scheduled;
import reactor.core.publisher.Mono;

/**
 * Removes keys after their retention, in small steps with pauses between them. Each instance does; where several meet, each
 * finds less to do.
 */
final class KeyPruner {

    private static final Logger log = LoggerFactory.getLogger(KeyPruner.class);

    /** One step takes some ten milliseconds. With its pause that is 30,000 keys a second, more than an instance makes. */
    private static final int STEP_KEYS_MAX = 1_000;

    private static final Duration STEP_PAUSE = Duration.ofMillis(20);

    private static final int INTERVAL_MILLIS = 1_000;

    private final ExpiredKeys keys;
    private final Duration retention;
    private final LaneMetrics metrics;
    private volatile Removal last = new Removal(0, Instant.EPOCH);

    KeyPruner(ExpiredKeys keys, Duration retention, LaneMetrics metrics) {
        this.keys = keys;
        this.retention = retention;
        this.metrics = metrics;
    }

    /** Removes what has expired by now. */
    @Scheduled(fixedDelay = INTERVAL_MILLIS)
    Mono<Void> prune() {
        return Mono.defer(this::step)
                .repeatWhen(steps ->
                        steps.takeWhile(step -> last.removed() == STEP_KEYS_MAX).delayElements(STEP_PAUSE))
                .then()
                .onErrorResume(StoreFailure.class, KeyPruner::later);
    }

    private Mono<Void> step() {
        return keys.remove(last.reached(), retention, STEP_KEYS_MAX)
                .doOnNext(this::removed)
                .then();
    }

    private void removed(Removal removal) {
        last = removal;
        metrics.pruned(removal.removed());
    }

    private static Mono<Void> later(StoreFailure failure) {
        log.warn("Expired idempotency keys could not be removed now: {}", failure.getMessage());
        return Mono.empty();
    }
}
