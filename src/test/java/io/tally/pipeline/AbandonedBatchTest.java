package io.tally.pipeline;

import static org.assertj.core.api.Assertions.assertThat;

import io.tally.counter.Command;
import io.tally.counter.CounterId;
import io.tally.counter.Operation.Increment;
import io.tally.counter.Outcome;
import io.tally.counter.Outcome.Incremented;
import io.tally.counter.Outcome.Unknown;
import io.tally.counter.Precondition;
import io.tally.lane.CallerExecutor;
import io.tally.lane.Lane;
import io.tally.pipeline.MemoryCounterStore.Fault;
import io.tally.shard.PerShard;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import reactor.test.scheduler.VirtualTimeScheduler;

/** A statement that neither completes nor fails, although it has a time-out. */
class AbandonedBatchTest {

    private static final CounterId COUNTER = new CounterId("n", "a");
    private static final PipelineProperties LIMITS = new PipelineProperties(
            1, 100, 100, 100, Duration.ofSeconds(5), Duration.ofSeconds(20), Duration.ofSeconds(20));

    private final VirtualTimeScheduler time = VirtualTimeScheduler.getOrSet();
    private final Deque<Fault> faults = new ArrayDeque<>();
    private final MemoryCounterStore store =
            new MemoryCounterStore(() -> Objects.requireNonNullElse(faults.poll(), Fault.NONE), () -> Duration.ZERO);
    private final CounterPipeline pipeline = new CounterPipeline(
            PerShard.single(store),
            LIMITS,
            new LaneMetrics() {},
            CallerExecutor.ANY,
            () -> time.now(TimeUnit.NANOSECONDS));

    @AfterEach
    void realTimeAgain() {
        VirtualTimeScheduler.reset();
    }

    private List<Outcome> increment() {
        List<Outcome> outcomes = new ArrayList<>();
        pipeline.apply(Command.of(new Increment(COUNTER, 1, Precondition.NONE))).subscribe(outcomes::add);
        time.advanceTimeBy(Duration.ofSeconds(1));
        return outcomes;
    }

    @Test
    void isUnknownToItsCallersAndTheLaneGoesOnAsANewWriter() {
        assertThat(increment()).containsExactly(new Incremented(1, 1, 1));
        faults.add(Fault.HANGS);
        List<Outcome> hanging = increment();
        time.advanceTimeBy(LIMITS.flightMax(store.callMax()).minusSeconds(2));
        pipeline.lanes().forEach(Lane::expire);
        assertThat(hanging).isEmpty();
        assertThat(pipeline.isAvailable(0)).isTrue();

        time.advanceTimeBy(Duration.ofSeconds(2));
        pipeline.lanes().forEach(Lane::expire);
        assertThat(hanging).containsExactly(new Unknown());
        assertThat(pipeline.isAvailable(0)).isFalse();

        // The statement that hung commits after all: its fence still holds, and the new writer is not in its way.
        store.commitHanging();
        assertThat(increment()).containsExactly(new Incremented(3, 3, 1));
        assertThat(pipeline.isAvailable(0)).isTrue();
        assertThat(store.writers()).isEqualTo(2);
    }
}
