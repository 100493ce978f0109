package io.tally.period;

import static org.assertj.core.api.Assertions.assertThat;

import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import io.tally.counter.CounterId;
import io.tally.counter.Outcome;
import io.tally.counter.Outcome.StoreUnavailable;
import io.tally.counter.Outcome.Swept;
import io.tally.pipeline.StoreFailure;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import reactor.core.publisher.Mono;

/** The lag of passes, of which an alert takes the maximum over all instances. */
class SweepLagTest {

    private static final Instant NOW = Instant.parse("2026-11-26T12:00:00Z");

    private final SimpleMeterRegistry registry = new SimpleMeterRegistry();
    private final Deque<Mono<Sweeps.Claim>> claims = new ArrayDeque<>();
    private final Deque<Mono<Sweeps.Chunk>> chunks = new ArrayDeque<>();
    private final List<Double> lags = new ArrayList<>();
    private Outcome outcome = new Swept(true);

    private final Sweeper sweeper = new Sweeper(
            new Sweeps() {
                @Override
                public Mono<Claim> claim(Kind kind) {
                    return kind == Kind.PERIODS ? claims.remove() : Mono.empty();
                }

                @Override
                public Mono<Chunk> due(Kind kind, Position after, int max) {
                    lags.add(lag());
                    return chunks.remove();
                }

                @Override
                public Mono<Void> reached(Kind kind, Instant time) {
                    return Mono.empty();
                }
            },
            counter -> Mono.just(outcome),
            new SweepMetrics(registry));

    private double lag() {
        return registry.get("tally.sweep.lag")
                .tag("kind", "periods")
                .timeGauge()
                .value(TimeUnit.SECONDS);
    }

    /** A claim some seconds after {@link #NOW}, 300 s after the end of the pass before. */
    private static Mono<Sweeps.Claim> claim(int second) {
        return Mono.just(new Sweeps.Claim(NOW.minusSeconds(300), NOW.plusSeconds(second)));
    }

    /** A chunk whose last counter ended some seconds before {@link #NOW}. */
    private static Mono<Sweeps.Chunk> chunk(int read, int seconds) {
        CounterId counter = new CounterId("a", "b");
        return Mono.just(new Sweeps.Chunk(
                List.of(counter), read, new Sweeps.Position(NOW.minusSeconds(seconds), counter.namespace(), "b")));
    }

    private void pass() {
        sweeper.sweep().block(Duration.ofSeconds(30));
    }

    @Test
    void fallsFromChunkToChunkAndCountsTheTimeThatThePassTakes() {
        claims.addAll(List.of(claim(0), claim(40), claim(50)));
        chunks.addAll(List.of(chunk(Sweeper.CHUNK_MAX, 200), chunk(Sweeper.CHUNK_MAX, 20), chunk(1, 0)));
        pass();
        assertThat(lags).containsExactly(300.0, 200.0, 60.0);
        assertThat(lag()).isZero();
    }

    @Test
    void chunkThatWentPastItsClaimHasNone() {
        claims.addAll(List.of(claim(0), claim(1)));
        chunks.addAll(List.of(chunk(Sweeper.CHUNK_MAX, -5), chunk(1, -6)));
        pass();
        assertThat(lags).containsExactly(300.0, 0.0);
    }

    @Test
    void isThatOfTheOtherInstanceOnceTheLeaseIsLost() {
        claims.addAll(List.of(claim(0), Mono.empty(), Mono.empty()));
        chunks.add(chunk(Sweeper.CHUNK_MAX, 200));
        pass();
        assertThat(lag()).isEqualTo(200);
        pass();
        assertThat(lag()).isZero();
    }

    @Test
    void growsWhilePassesAreRefusedOrFail() {
        outcome = new StoreUnavailable();
        claims.addAll(List.of(claim(0), claim(60)));
        StoreFailure failure = new StoreFailure(
                StoreFailure.Kind.UNAVAILABLE,
                StoreFailure.Cause.CONNECTION,
                "no connection",
                new IllegalStateException("refused"));
        chunks.addAll(List.of(chunk(1, 0), Mono.error(failure)));
        pass();
        assertThat(lag()).isEqualTo(300);
        pass();
        assertThat(lag()).isEqualTo(360);
    }

    @Test
    void isNoneBeforeTheFirstPass() {
        claims.add(Mono.just(new Sweeps.Claim(Instant.EPOCH, NOW)));
        chunks.add(chunk(1, 0));
        pass();
        assertThat(lags).containsExactly(0.0);
    }
}
