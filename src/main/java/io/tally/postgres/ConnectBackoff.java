package io.tally.postgres;

import io.tally.pipeline.StoreFailure;
import java.time.Duration;
import java.util.concurrent.ThreadLocalRandom;
import java.util.function.LongSupplier;
import org.jspecify.annotations.Nullable;
import reactor.core.publisher.Mono;

/**
 * The back-off of one owner of connections after failed attempts. A pause doubles with each failure and ends with the
 * first success; during a pause, the last failure is repeated at once. Safe for use by many threads.
 */
final class ConnectBackoff {

    private static final Duration PAUSE_MIN = Duration.ofMillis(100);

    /** A restarting database returns within seconds, so the pause must be short. */
    private static final Duration PAUSE_MAX = Duration.ofMillis(500);

    /** Only an operator resolves a refused log-in, and each attempt costs the server a process. */
    private static final Duration REFUSED_PAUSE_MAX = Duration.ofSeconds(4);

    private final LongSupplier nanoClock;
    private volatile @Nullable Pause pause;

    /** @param nanoClock {@link System#nanoTime} but in tests */
    ConnectBackoff(LongSupplier nanoClock) {
        this.nanoClock = nanoClock;
    }

    private record Pause(StoreFailure failure, Duration length, long untilNanos) {}

    /** Subscribes to an attempt, unless there is a pause. Fails with {@link StoreFailure} only. */
    <T> Mono<T> attempt(Mono<T> attempt) {
        return Mono.defer(() -> {
            Pause current = pause;
            return current != null && !isOver(current)
                    ? Mono.error(current.failure())
                    : attempt.onErrorMap(SqlStates::whileConnecting)
                            .doOnNext(connected -> pause = null)
                            .doOnError(StoreFailure.class, this::failed);
        });
    }

    private boolean isOver(Pause ending) {
        return nanoClock.getAsLong() - ending.untilNanos() >= 0;
    }

    private synchronized void failed(StoreFailure failure) {
        Pause last = pause;
        if (last != null && !isOver(last)) {
            // Concurrent attempts fail together.
            return;
        }
        Duration max = SqlStates.isLogInRefused(failure) ? REFUSED_PAUSE_MAX : PAUSE_MAX;
        Duration doubled = last == null ? PAUSE_MIN : last.length().multipliedBy(2);
        Duration length = doubled.compareTo(max) < 0 ? doubled : max;
        long nanos = length.toNanos();
        // Jitter, so that instances do not retry at the same time.
        long jittered = ThreadLocalRandom.current().nextLong(nanos / 2, nanos + 1);
        pause = new Pause(failure.repeated(), length, nanoClock.getAsLong() + jittered);
    }
}
