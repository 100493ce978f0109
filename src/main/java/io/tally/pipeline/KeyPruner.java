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

    /** One step takes some tens of milliseconds. */
    private static final int STEP_KEYS_MAX = 5_000;

    private static final Duration STEP_PAUSE = Duration.ofMillis(10);

    /** Longer than a transaction lasts: a key that was made before and committed after the last pass is found. */
    private static final Duration OVERLAP = Duration.ofSeconds(15);

    private static final int INTERVAL_MILLIS = 1_000;

    private final ExpiredKeys keys;
    private final Duration retention;
    private final LaneMetrics metrics;
    private volatile Instant reached = Instant.EPOCH;

    KeyPruner(ExpiredKeys keys, Duration retention, LaneMetrics metrics) {
        this.keys = keys;
        this.retention = retention;
        this.metrics = metrics;
    }

    /** Removes what has expired by now. */
    @Scheduled(fixedDelay = INTERVAL_MILLIS)
    Mono<Void> prune() {
        return Mono.defer(() -> new Pass().steps()).onErrorResume(StoreFailure.class, KeyPruner::later);
    }

    private static Mono<Void> later(StoreFailure failure) {
        log.warn("Expired idempotency keys could not be removed now: {}", failure.getMessage());
        return Mono.empty();
    }

    /** Steps until one finds less than it could remove. */
    private final class Pass {

        private Instant from = reached.minus(OVERLAP);
        private boolean full;

        Mono<Void> steps() {
            return Mono.defer(this::step)
                    .repeatWhen(steps -> steps.takeWhile(step -> full).delayElements(STEP_PAUSE))
                    .then();
        }

        private Mono<Void> step() {
            return keys.remove(from, retention, STEP_KEYS_MAX)
                    .doOnNext(this::removed)
                    .then();
        }

        private void removed(Removal removal) {
            full = removal.removed() == STEP_KEYS_MAX;
            from = removal.reached();
            reached = from.isAfter(reached) ? from : reached;
            metrics.pruned(removal.removed());
        }
    }
}
