package io.tally.pipeline;

import static org.assertj.core.api.Assertions.assertThat;

import io.tally.pipeline.StoreFailure.Cause;
import io.tally.pipeline.StoreFailure.Kind;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import reactor.core.publisher.Mono;
import reactor.test.scheduler.VirtualTimeScheduler;
import reactor.util.retry.Retry;

/** Retries of a call that always fails, in virtual time. */
class StoreRetryTest {

    private final StoreFailure away = new StoreFailure(Kind.UNAVAILABLE, Cause.CONNECTION, "away");

    private VirtualTimeScheduler time = VirtualTimeScheduler.create();
    private final List<Long> attempts = new ArrayList<>();
    private final List<Throwable> failures = new ArrayList<>();

    @BeforeEach
    void start() {
        time = VirtualTimeScheduler.getOrSet();
    }

    @AfterEach
    void stop() {
        VirtualTimeScheduler.reset();
    }

    private void call(Throwable failure, Retry retry) {
        Mono.error(() -> {
                    attempts.add(time.now(TimeUnit.MILLISECONDS));
                    return failure;
                })
                .retryWhen(retry)
                .subscribe(nothing -> {}, failures::add);
    }

    @Test
    void theDelayGrowsToItsMaximum() {
        call(away, StoreRetry.read(failure -> true));
        time.advanceTimeBy(Duration.ofMinutes(1));
        assertThat(attempts.get(1)).isBetween(50L, 75L);
        for (int i = 10; i < attempts.size(); i++) {
            assertThat(attempts.get(i) - attempts.get(i - 1)).isBetween(250L, 500L);
        }
        assertThat(failures).isEmpty();
    }

    @Test
    void writesBeginSooner() {
        call(away, StoreRetry.write(failure -> true));
        time.advanceTimeBy(Duration.ofSeconds(1));
        assertThat(attempts.get(1)).isBetween(5L, 7L);
    }

    @Test
    void theLastFailureSurfacesWhereThePredicateEndsTheRetries() {
        call(away, StoreRetry.write(failure -> attempts.size() < 3));
        time.advanceTimeBy(Duration.ofSeconds(10));
        assertThat(attempts).hasSize(3);
        assertThat(failures).containsExactly(away);
    }

    @Test
    void theLastFailureSurfacesAfterTheMaximumOfAttempts() {
        call(away, StoreRetry.write(failure -> true).maxAttempts(2));
        time.advanceTimeBy(Duration.ofSeconds(10));
        assertThat(attempts).hasSize(3);
        assertThat(failures).containsExactly(away);
    }

    @Test
    void otherFailuresAreNotRetried() {
        IllegalStateException other = new IllegalStateException();
        call(other, StoreRetry.read(failure -> true));
        time.advanceTimeBy(Duration.ofSeconds(10));
        assertThat(attempts).hasSize(1);
        assertThat(failures).containsExactly(other);
    }
}
