package io.tally.shard;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Function;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import reactor.core.publisher.Mono;
import reactor.core.publisher.Sinks;

/** Runs that a schedule starts again and again, whose ends the test decides. */
class ShardRunsTest {

    private static final int SHARDS = 4;

    private final List<Integer> started = new ArrayList<>();
    private final List<Integer> cancelled = new ArrayList<>();
    private final List<Sinks.Empty<Void>> ends =
            IntStream.range(0, SHARDS).mapToObj(index -> Sinks.<Void>empty()).toList();
    private Function<Integer, Mono<Void>> work = index -> Mono.empty();
    private final ShardRuns runs = ShardRuns.onAll(
            PerShard.of(new Sharding(SHARDS), index -> index),
            index -> Mono.defer(() -> {
                started.add(index);
                return work.apply(index).doOnCancel(() -> cancelled.add(index));
            }));

    private Mono<Void> hangs(int index, int hanging) {
        return index == hanging ? ends.get(index).asMono() : Mono.empty();
    }

    @Test
    void startsEachShardEachTime() {
        runs.start().block();
        runs.start().block();

        assertThat(started).containsExactly(0, 1, 2, 3, 0, 1, 2, 3);
    }

    @Test
    void workInTurnStartsOnFourShardsAtATime() {
        ShardRuns inTurn = ShardRuns.inTurn(PerShard.of(new Sharding(6), index -> index), index -> {
            started.add(index);
            return index == 1 ? ends.get(1).asMono() : Mono.empty();
        });
        CompletableFuture<Void> first = inTurn.start().toFuture();
        inTurn.start().block();
        inTurn.start().block();
        assertThat(first).isNotDone();

        // The work on the shard with index 1 has not ended.
        assertThat(started).containsExactly(0, 1, 2, 3, 4, 5, 0, 2, 3, 4, 5);
    }

    @Test
    void doesNothingBeforeItsStart() {
        Mono<Void> start = runs.start();
        assertThat(started).isEmpty();

        start.block();
        assertThat(started).hasSize(SHARDS);
    }

    @Test
    void aRunThatHangsDelaysNoOtherAndIsNotStartedTwice() {
        work = index -> hangs(index, 1);
        CompletableFuture<Void> first = runs.start().toFuture();
        assertThat(started).containsExactly(0, 1, 2, 3);
        assertThat(first).isNotDone();

        started.clear();
        CompletableFuture<Void> second = runs.start().toFuture();
        assertThat(started).containsExactly(0, 2, 3);
        assertThat(second).isCompleted();

        ends.get(1).tryEmitEmpty();
        assertThat(first).isCompleted();
        started.clear();
        runs.start().block();
        assertThat(started).containsExactly(0, 1, 2, 3);
    }

    @Test
    void aRunThatFailsStopsNoOther() {
        IllegalStateException failure = new IllegalStateException("failed");
        work = index -> index == 2 ? Mono.error(failure) : hangs(index, 0);
        CompletableFuture<Void> first = runs.start().toFuture();
        assertThat(started).containsExactly(0, 1, 2, 3);
        assertThat(cancelled).isEmpty();

        ends.get(0).tryEmitEmpty();
        assertThat(first).failsWithin(Duration.ZERO).withThrowableThat().withCause(failure);
        started.clear();
        work = index -> Mono.empty();
        runs.start().block();
        assertThat(started).containsExactly(0, 1, 2, 3);
    }

    /** Also in the code that makes the run. */
    @Test
    void aRunThatThrowsIsStartedAgain() {
        AtomicInteger calls = new AtomicInteger();
        ShardRuns throwing = ShardRuns.onAll(PerShard.single("only"), shard -> {
            calls.incrementAndGet();
            throw new IllegalStateException("thrown");
        });

        for (int i = 1; i <= 3; i++) {
            assertThat(throwing.start().toFuture()).isCompletedExceptionally();
            assertThat(calls).hasValue(i);
        }
    }

    @Test
    void aRunThatIsCancelledIsStartedAgain() {
        work = index -> hangs(index, 3);
        runs.start().toFuture().cancel(true);
        assertThat(cancelled).containsExactly(3);

        started.clear();
        work = index -> Mono.empty();
        runs.start().block();
        assertThat(started).containsExactly(0, 1, 2, 3);
    }
}
