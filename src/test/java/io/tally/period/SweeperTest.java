package io.tally.period;

import static org.assertj.core.api.Assertions.assertThat;

import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import io.tally.counter.CounterId;
import io.tally.counter.Outcome;
import io.tally.counter.Outcome.ConstraintViolated;
import io.tally.counter.Outcome.Overloaded;
import io.tally.counter.Outcome.Swept;
import io.tally.counter.Outcome.Unknown;
import io.tally.pipeline.StoreFailure;
import io.tally.shard.PerShard;
import io.tally.shard.Sharding;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import reactor.core.publisher.Mono;
import reactor.test.scheduler.VirtualTimeScheduler;

/** The passes over counters in memory, in virtual time. */
class SweeperTest {

    private static final Instant NOW = Instant.parse("2026-11-26T12:00:00Z");
    private static final Instant REACHED = NOW.minusSeconds(60);
    private static final Duration LONG = Duration.ofHours(1);
    private static final Duration OVERLAP = Duration.ofSeconds(10);

    private final Rows rows = new Rows();
    private final List<CounterId> swept = new ArrayList<>();
    private final Map<CounterId, Outcome> outcomes = new HashMap<>();
    private final SimpleMeterRegistry registry = new SimpleMeterRegistry();
    private final Sweeper sweeper =
            new Sweeper(PerShard.single(rows), this::swept, OVERLAP, new SweepMetrics(registry, Sharding.SINGLE));
    private VirtualTimeScheduler time = VirtualTimeScheduler.create();
    private boolean ended;

    @BeforeEach
    void stopTime() {
        time = VirtualTimeScheduler.getOrSet(VirtualTimeScheduler.create());
    }

    @AfterEach
    void resumeTime() {
        VirtualTimeScheduler.reset();
    }

    private Mono<Outcome> swept(CounterId counter) {
        swept.add(counter);
        return Mono.just(outcomes.getOrDefault(counter, new Swept(true)));
    }

    private static Sweeps.Position position(int row) {
        return new Sweeps.Position(REACHED.plusMillis(row), "n", String.valueOf(row));
    }

    private static CounterId counter(int row) {
        return new CounterId("n", String.valueOf(row));
    }

    private static List<CounterId> counters(int from, int until) {
        return IntStream.range(from, until)
                .filter(Rows::isDue)
                .mapToObj(SweeperTest::counter)
                .toList();
    }

    /** Counters whose periods are over, each a millisecond after the one before. Every third one is due. */
    private static final class Rows implements Sweeps {

        private final List<Position> reads = new ArrayList<>();
        private final List<Instant> reached = new ArrayList<>();
        private int claimed;
        /** Whether this instance gets the lease, claim by claim; yes after them. */
        private final Deque<Boolean> claims = new ArrayDeque<>();

        private int count;
        private long readNanos;
        private boolean fails;

        static boolean isDue(int row) {
            return row % 3 == 0;
        }

        @Override
        public Mono<Claim> claim(Kind kind) {
            return Mono.defer(() -> {
                assertThat(kind).isEqualTo(Kind.PERIODS);
                claimed++;
                boolean has = claims.isEmpty() || claims.remove();
                return has ? Mono.just(new Claim(REACHED, NOW)) : Mono.empty();
            });
        }

        @Override
        public Mono<Chunk> due(Kind kind, Position after, Instant until, int max) {
            return Mono.fromSupplier(() -> {
                if (fails) {
                    throw new StoreFailure(StoreFailure.Kind.UNAVAILABLE, StoreFailure.Cause.CONNECTION, "away");
                }
                assertThat(until).isEqualTo(NOW);
                reads.add(after);
                long start = System.nanoTime();
                while (System.nanoTime() - start < readNanos) {
                    Thread.onSpinWait();
                }
                int first = after.name().isEmpty() ? 0 : Integer.parseInt(after.name()) + 1;
                int end = Math.min(first + max, count);
                return new Chunk(counters(first, end), end - first, end == first ? after : position(end - 1));
            });
        }

        @Override
        public Mono<Void> reached(Kind kind, Instant until) {
            return Mono.fromRunnable(() -> reached.add(until));
        }
    }

    private void sweep() {
        ended = false;
        sweeper.beginPeriods().doOnSuccess(done -> ended = true).subscribe();
    }

    @Test
    void aPassGoesOnFromChunkToChunk() {
        rows.count = 2 * Sweeper.CHUNK_MAX + 500;
        sweep();
        time.advanceTimeBy(LONG);
        assertThat(ended).isTrue();
        assertThat(swept).isEqualTo(counters(0, rows.count));
        assertThat(rows.reads)
                .containsExactly(
                        Sweeps.Position.before(REACHED.minus(OVERLAP)),
                        position(Sweeper.CHUNK_MAX - 1),
                        position(2 * Sweeper.CHUNK_MAX - 1));
        assertThat(rows.reached)
                .containsExactly(
                        position(Sweeper.CHUNK_MAX - 1).end(),
                        position(2 * Sweeper.CHUNK_MAX - 1).end(),
                        NOW);
        assertThat(registry.get("tally.sweep.counters")
                        .tag("kind", "periods")
                        .counter()
                        .count())
                .isEqualTo(swept.size());
    }

    @Test
    void aFullChunkIsNotTheLastOne() {
        rows.count = Sweeper.CHUNK_MAX;
        sweep();
        assertThat(ended).isFalse();
        time.advanceTimeBy(LONG);
        assertThat(rows.reads).hasSize(2);
        assertThat(rows.reached).containsExactly(position(Sweeper.CHUNK_MAX - 1).end(), NOW);
    }

    @Test
    void aPassWithoutCountersEndsAtOnce() {
        sweep();
        assertThat(ended).isTrue();
        assertThat(swept).isEmpty();
        assertThat(rows.reached).containsExactly(NOW);
    }

    @Test
    void pausesAreLongerThanChunks() {
        rows.count = 2 * Sweeper.CHUNK_MAX;
        rows.readNanos = TimeUnit.MILLISECONDS.toNanos(20);
        sweep();
        time.advanceTimeBy(Duration.ofMillis(39));
        assertThat(rows.reads).hasSize(1);
        assertThat(ended).isFalse();
        time.advanceTimeBy(LONG);
        assertThat(ended).isTrue();
    }

    @Test
    void eachFurtherChunkRenewsTheLease() {
        rows.count = 3 * Sweeper.CHUNK_MAX;
        sweep();
        time.advanceTimeBy(LONG);
        assertThat(rows.reads).hasSize(4);
        assertThat(rows.claimed).isEqualTo(4);
    }

    @Test
    void aPassEndsWithItsLease() {
        rows.count = 3 * Sweeper.CHUNK_MAX;
        rows.claims.addAll(List.of(true, true, false));
        sweep();
        time.advanceTimeBy(LONG);
        assertThat(ended).isTrue();
        assertThat(rows.reads).hasSize(2);
        assertThat(rows.reached)
                .containsExactly(
                        position(Sweeper.CHUNK_MAX - 1).end(),
                        position(2 * Sweeper.CHUNK_MAX - 1).end());
    }

    @Test
    void withoutALeaseNothingIsRead() {
        rows.count = 10;
        rows.claims.add(false);
        sweep();
        assertThat(ended).isTrue();
        assertThat(rows.reads).isEmpty();
        assertThat(rows.reached).isEmpty();
        assertThat(rows.claimed).isEqualTo(1);
    }

    @ParameterizedTest
    @ValueSource(ints = {0, 999})
    void aRefusalEndsThePass(int refused) {
        rows.count = 2 * Sweeper.CHUNK_MAX;
        outcomes.put(counter(refused), new Overloaded());
        sweep();
        time.advanceTimeBy(LONG);
        assertThat(ended).isTrue();
        assertThat(rows.reads).hasSize(1);
        assertThat(rows.reached)
                .as("the next pass begins with the refused counter")
                .isEmpty();

        outcomes.clear();
        swept.clear();
        sweep();
        time.advanceTimeBy(LONG);
        assertThat(swept).isEqualTo(counters(0, rows.count));
        assertThat(rows.reached).endsWith(NOW);
    }

    /** Its own outcome is unknown, but the database works. */
    @Test
    void anotherFailureHoldsUpTheRecordOnly() {
        rows.count = Sweeper.CHUNK_MAX + 10;
        outcomes.put(counter(3), new Unknown());
        sweep();
        time.advanceTimeBy(LONG);
        assertThat(ended).isTrue();
        assertThat(swept).isEqualTo(counters(0, rows.count));
        assertThat(rows.reached).isEmpty();
    }

    @Test
    void aRefusalInTheLastChunkIsNotRecordedEither() {
        rows.count = 10;
        outcomes.put(counter(9), new Overloaded());
        sweep();
        assertThat(ended).isTrue();
        assertThat(rows.reached).isEmpty();
    }

    @Test
    void aConstraintOfTheOperatorDoesNotEndThePass() {
        rows.count = 10;
        outcomes.put(counter(3), new ConstraintViolated());
        sweep();
        assertThat(swept).isEqualTo(counters(0, 10));
        assertThat(rows.reached).containsExactly(NOW);
    }

    @Test
    void thePassAfterAFailureSweeps() {
        rows.fails = true;
        sweep();
        assertThat(ended).isTrue();
        assertThat(rows.reached).isEmpty();

        rows.fails = false;
        sweep();
        assertThat(rows.reached).containsExactly(NOW);
    }
}
