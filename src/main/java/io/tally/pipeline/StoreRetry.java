package io.tally.pipeline;

import java.time.Duration;
import java.util.function.Predicate;
import reactor.util.retry.Retry;
import reactor.util.retry.RetryBackoffSpec;

/**
 * Retries of calls of the store, with exponential back-off and jitter. The predicate bounds them, for example by a
 * deadline; the last failure surfaces as it is.
 */
public final class StoreRetry {

    /** A conflict between two writes ends with the other transaction, after milliseconds. */
    private static final Duration WRITE_BACKOFF_MIN = Duration.ofMillis(5);

    /** A read has no conflicts, so its failures last longer. */
    private static final Duration READ_BACKOFF_MIN = Duration.ofMillis(50);

    private static final Duration BACKOFF_MAX = Duration.ofMillis(500);
    private static final double JITTER = 0.5;

    private StoreRetry() {}

    public static RetryBackoffSpec write(Predicate<StoreFailure> isRetried) {
        return backoff(WRITE_BACKOFF_MIN, isRetried);
    }

    public static RetryBackoffSpec read(Predicate<StoreFailure> isRetried) {
        return backoff(READ_BACKOFF_MIN, isRetried);
    }

    private static RetryBackoffSpec backoff(Duration backoffMin, Predicate<StoreFailure> isRetried) {
        return Retry.backoff(Long.MAX_VALUE, backoffMin)
                .maxBackoff(BACKOFF_MAX)
                .jitter(JITTER)
                .filter(failure -> failure instanceof StoreFailure known && isRetried.test(known))
                .onRetryExhaustedThrow((spec, signal) -> signal.failure());
    }
}
