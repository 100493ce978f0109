package io.tally.period;

import static org.assertj.core.api.Assertions.assertThat;

import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import io.tally.counter.CounterId;
import io.tally.counter.Outcome;
import io.tally.counter.Outcome.StoreUnavailable;
import io.tally.counter.Outcome.Swept;
import io.tally.pipeline.StoreFailure;
import io.tally.shard.PerShard;
import io.tally.shard.Sharding;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import reactor.core.publisher.Mono;

/** The lag of passes, of which an alert takes the maximum over all instances. */
class SweepLagTest {

    private static final Instant NOW = Instant.parse("2026-11-26T12:00:00Z");
    private static final CounterId COUNTER = new CounterId("shop", "stock");

    private final SimpleMeterRegistry registry = new SimpleMeterRegistry();
    private Mono<Sweeps.Claim> claim = claim(NOW.minusSeconds(300));
    private Mono<Sweeps.Chunk> chunk = Mono.just(
            new Sweeps.Chunk(List.of(COUNTER), 1, new Sweeps.Position(NOW, COUNTER.namespace(), COUNTER.name())));
    private Outcome outcome = new Swept(true);

    private final Sweeper sweeper = new Sweeper(
            PerShard.single(new Sweeps() {
                @Override
                public Mono<Claim> claim(Kind kind) {
                    return claim;
                }

                @Override
                public Mono<Chunk> due(Kind kind, Position after, Instant until, int max) {
                    return chunk;
                }

                @Override
                public Mono<Void> reached(Kind kind, Instant time) {
                    return Mono.fromRunnable(() -> claim = SweepLagTest.claim(time));
                }
            }),
            counter -> Mono.just(outcome),
            Duration.ofSeconds(10),
            new SweepMetrics(registry, Sharding.SINGLE));

    private static Mono<Sweeps.Claim> claim(Instant reached) {
        return Mono.just(new Sweeps.Claim(reached, NOW));
    }

    private double lagAfterPass() {
        sweeper.beginPeriods().block(Duration.ofSeconds(30));
        return registry.get("tally.sweep.lag")
                .tag("kind", "periods")
                .timeGauge()
                .value(TimeUnit.SECONDS);
    }

    @Test
    void endsWithThePassThatSweptAllCounters() {
        assertThat(lagAfterPass()).isEqualTo(300);
        assertThat(lagAfterPass()).isZero();
    }

    @Test
    void isThatOfTheOtherInstanceOnceTheLeaseIsLost() {
        outcome = new StoreUnavailable();
        assertThat(lagAfterPass()).isEqualTo(300);
        claim = Mono.empty();
        assertThat(lagAfterPass()).isZero();
    }

    @Test
    void staysWhilePassesAreRefusedOrFail() {
        outcome = new StoreUnavailable();
        assertThat(lagAfterPass()).isEqualTo(300);
        outcome = new Swept(true);
        chunk = Mono.error(new StoreFailure(
                StoreFailure.Kind.UNAVAILABLE,
                StoreFailure.Cause.CONNECTION,
                "no connection",
                new IllegalStateException("refused")));
        assertThat(lagAfterPass()).isEqualTo(300);
        assertThat(lagAfterPass()).isEqualTo(300);
    }

    @Test
    void isNoneBeforeTheFirstPass() {
        claim = claim(Instant.EPOCH);
        assertThat(lagAfterPass()).isZero();
    }
}
