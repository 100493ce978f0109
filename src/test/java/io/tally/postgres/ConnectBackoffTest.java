package io.tally.postgres;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.r2dbc.spi.R2dbcPermissionDeniedException;
import io.r2dbc.spi.R2dbcTransientResourceException;
import io.tally.pipeline.StoreFailure;
import java.time.Duration;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.Test;
import reactor.core.publisher.Mono;

class ConnectBackoffTest {

    private static final Mono<String> REFUSED = Mono.error(new R2dbcPermissionDeniedException("refused", "28P01"));
    private static final Mono<String> TOO_MANY = Mono.error(new R2dbcTransientResourceException("too many", "53300"));
    private static final Mono<String> AWAY = Mono.error(new R2dbcTransientResourceException("reset"));

    private final AtomicLong nanos = new AtomicLong();
    private final AtomicInteger attempts = new AtomicInteger();
    private final ConnectBackoff backoff = new ConnectBackoff(nanos::get);

    private Mono<String> attempt(Mono<String> attempt) {
        return backoff.attempt(attempt.doOnSubscribe(subscription -> attempts.incrementAndGet()));
    }

    private void pass(Duration time) {
        nanos.addAndGet(time.toNanos());
    }

    /** The attempts in a minute under load. */
    private int attemptsInAMinute(Mono<String> failing) {
        for (int i = 0; i < 60_000; i++) {
            assertThatThrownBy(() -> attempt(failing).block()).isInstanceOf(StoreFailure.class);
            pass(Duration.ofMillis(1));
        }
        return attempts.get();
    }

    @Test
    void aRefusedLogInIsRarelyRepeated() {
        assertThat(attemptsInAMinute(REFUSED)).isBetween(15, 40);
    }

    @Test
    void aServerWithTooManyConnectionsIsRarelyAsked() {
        assertThat(attemptsInAMinute(TOO_MANY)).isBetween(15, 40);
    }

    @Test
    void aServerThatIsAwayIsAskedSomeTimesASecond() {
        assertThat(attemptsInAMinute(AWAY)).isBetween(120, 250);
    }

    @Test
    void aPauseRepeatsTheFailureAtOnce() {
        assertThatThrownBy(() -> attempt(REFUSED).block())
                .isInstanceOfSatisfying(
                        StoreFailure.class,
                        failure -> assertThat(failure.isRepeated()).isFalse());
        assertThatThrownBy(() -> attempt(Mono.just("connected")).block())
                .isInstanceOfSatisfying(StoreFailure.class, failure -> {
                    assertThat(failure.isRepeated()).isTrue();
                    assertThat(failure.kind()).isEqualTo(StoreFailure.Kind.FATAL);
                });
        assertThat(attempts).hasValue(1);
    }

    @Test
    void aSuccessEndsThePauses() {
        attemptsInAMinute(REFUSED);
        pass(Duration.ofSeconds(4));
        assertThat(attempt(Mono.just("connected")).block()).isEqualTo("connected");
        attempts.set(0);
        assertThatThrownBy(() -> attempt(REFUSED).block()).isInstanceOf(StoreFailure.class);
        pass(Duration.ofMillis(100));
        assertThatThrownBy(() -> attempt(REFUSED).block()).isInstanceOf(StoreFailure.class);
        assertThat(attempts).as("short pauses again").hasValue(2);
    }

    @Test
    void attemptsThatFailTogetherMakeOnePause() {
        Mono<String> first = attempt(REFUSED);
        Mono<String> others = Mono.when(attempt(REFUSED.delaySubscription(Mono.empty())), attempt(REFUSED))
                .thenReturn("");
        assertThatThrownBy(() -> Mono.whenDelayError(first, others).block()).isNotNull();
        pass(Duration.ofMillis(100));
        assertThat(attempt(Mono.just("connected")).block()).isEqualTo("connected");
    }
}
