package io.tally.lane;

import java.time.Duration;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReference;
import org.jetbrains.lincheck.datastructures.ModelCheckingOptions;
import org.jetbrains.lincheck.datastructures.Operation;
import org.jetbrains.lincheck.datastructures.Validate;
import org.jetbrains.lincheck.datastructures.verifier.EpsilonVerifier;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import reactor.core.publisher.Mono;
import reactor.core.publisher.Sinks;

/**
 * Interleavings of threads that submit, end batches and expire, tried one after the other: no request stays behind,
 * each is answered once, and no two batches are in flight at once.
 */
public class LaneInterleavingsTest {

    private static final int INTERLEAVINGS = 120;

    private final AtomicReference<Sinks.@Nullable Empty<Void>> inFlight = new AtomicReference<>();
    private final AtomicInteger overlaps = new AtomicInteger();
    private final AtomicInteger submitted = new AtomicInteger();
    private final AtomicInteger answered = new AtomicInteger();
    private final Lane<Integer, String> lane = new Lane<>(
            "checked",
            new Lane.Limits(2, 4, Duration.ofDays(1), Duration.ofDays(1)),
            new Handler(),
            CallerExecutor.ANY,
            nanos -> {},
            () -> 0);

    private final class Handler implements BatchHandler<Integer, String> {

        @Override
        public Mono<Void> handle(List<PendingRequest<Integer, String>> batch) {
            Sinks.Empty<Void> end = Sinks.empty();
            if (!inFlight.compareAndSet(null, end)) {
                overlaps.incrementAndGet();
            }
            return end.asMono().doOnSuccess(nothing -> batch.forEach(pending -> pending.answer("done")));
        }

        @Override
        public Refusals<String> refusals() {
            return new Refusals<>("overloaded", "unavailable", "abandoned");
        }

        @Override
        public boolean isAvailable() {
            return true;
        }
    }

    @Operation
    public void submit() {
        submitted.incrementAndGet();
        lane.submit(1).subscribe(answer -> answered.incrementAndGet());
    }

    @Operation
    public void offer() {
        if (lane.offer(List.of(1, 2), new RequestSequence<>(), answers -> answered.addAndGet(2))) {
            submitted.addAndGet(2);
        }
    }

    @Operation
    public void end() {
        Sinks.Empty<Void> end = inFlight.getAndSet(null);
        if (end != null) {
            end.tryEmitEmpty();
        }
    }

    @Operation
    public void expire() {
        lane.expire();
    }

    @Validate
    public void nothingStaysBehind() {
        // Each round ends a batch; there are fewer batches than requests.
        for (int round = submitted.get(); round >= 0; round--) {
            end();
        }
        if (overlaps.get() != 0 || answered.get() != submitted.get() || lane.queued() != 0) {
            throw new IllegalStateException(submitted + " submitted, " + answered + " answered, " + lane.queued()
                    + " queued, " + overlaps + " overlaps");
        }
    }

    @Test
    void everyRequestIsAnsweredOnce() {
        check(/* scenarios= */ 2);
    }

    @Test
    @Tag("faults")
    void everyRequestIsAnsweredOnceInManyScenarios() {
        check(/* scenarios= */ 15);
    }

    private static void check(int scenarios) {
        new ModelCheckingOptions()
                .iterations(scenarios)
                .invocationsPerIteration(INTERLEAVINGS)
                .threads(2)
                .actorsPerThread(3)
                .actorsBefore(1)
                .actorsAfter(0)
                .verifier(EpsilonVerifier.class)
                .check(LaneInterleavingsTest.class);
    }
}
