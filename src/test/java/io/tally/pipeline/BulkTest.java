package io.tally.pipeline;

import static org.assertj.core.api.Assertions.assertThat;

import io.tally.counter.Command;
import io.tally.counter.CounterId;
import io.tally.counter.Operation.Increment;
import io.tally.counter.Outcome;
import io.tally.counter.Outcome.Incremented;
import io.tally.counter.Outcome.Overloaded;
import io.tally.counter.Outcome.Refusal;
import io.tally.counter.Outcome.StoreUnavailable;
import io.tally.counter.Outcome.Unknown;
import io.tally.counter.Precondition;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.LongStream;
import org.junit.jupiter.api.Test;
import reactor.core.publisher.Mono;
import reactor.core.publisher.Sinks;
import reactor.core.scheduler.Schedulers;
import reactor.test.StepVerifier;

class BulkTest {

    private static final CounterId COUNTER = new CounterId("n", "a");

    private final List<Sinks.Empty<Void>> ends = new ArrayList<>();
    private final AtomicInteger refusals = new AtomicInteger();
    private Outcome unlucky = new StoreUnavailable();
    private int failures;
    private final Lane<Command, Outcome> lane = new Lane<>(
            "test", new Lane.Limits(8, 4, Duration.ofDays(1)), new Held(), CallerThreads.ANY, nanos -> {}, () -> 0);

    /** Batches end when the test says so; an increment is answered with its own delta. */
    private final class Held implements Flush<Command, Outcome> {

        @Override
        public Mono<Void> flush(List<Waiter<Command, Outcome>> batch) {
            Sinks.Empty<Void> end = Sinks.empty();
            ends.add(end);
            return end.asMono().doOnSuccess(nothing -> batch.forEach(this::answer));
        }

        private void answer(Waiter<Command, Outcome> waiter) {
            long delta = ((Increment) waiter.request().operation()).delta();
            waiter.answer(failures-- > 0 ? unlucky : new Incremented(delta, 1, delta));
        }

        @Override
        public Outcome refused(Refusal refusal) {
            refusals.incrementAndGet();
            return refusal;
        }

        @Override
        public Outcome abandoned() {
            return new Unknown();
        }

        @Override
        public boolean storeAnswers() {
            return true;
        }
    }

    private void endAll() {
        for (int i = 0; i < ends.size(); i++) {
            ends.get(i).tryEmitEmpty();
        }
    }

    private static List<Command> commands(int count) {
        return LongStream.rangeClosed(1, count)
                .mapToObj(delta -> Command.of(new Increment(COUNTER, delta, Precondition.NONE)))
                .toList();
    }

    private static List<Outcome> applied(int count) {
        return LongStream.rangeClosed(1, count)
                .mapToObj(delta -> (Outcome) new Incremented(delta, 1, delta))
                .toList();
    }

    private Bulk<Command, Outcome> bulk(int count) {
        return new Bulk<>(
                commands(count), command -> lane, Overloaded.class::isInstance, StoreUnavailable.class::isInstance);
    }

    @Test
    void refusesWhatHasNoRoomWhereNobodyCanWait() {
        // Two are in flight, two wait: the fifth finds half of the queue full.
        List<Outcome> outcomes = new ArrayList<>();
        bulk(5).once().subscribe(outcomes::addAll);
        endAll();

        assertThat(outcomes).startsWith(applied(4).toArray(Outcome[]::new)).endsWith(new Overloaded());
    }

    @Test
    void waitsForRoomInTheOrderOfTheCommands() {
        StepVerifier.withVirtualTime(() -> bulk(9).patiently(() -> 0, 1, Schedulers.immediate()))
                .then(this::endAll)
                .thenAwait(Duration.ofMinutes(1))
                .then(this::endAll)
                .thenAwait(Duration.ofMinutes(1))
                .then(this::endAll)
                .expectNext(applied(9))
                .verifyComplete();
    }

    @Test
    void asksLessAndLessOften() {
        StepVerifier.withVirtualTime(() -> bulk(5).patiently(() -> 0, 1, Schedulers.immediate()))
                .thenAwait(Duration.ofSeconds(1))
                .then(() -> lane.submit(commands(2)).subscribe())
                .then(this::endAll)
                .thenAwait(Duration.ofSeconds(60))
                .then(() -> assertThat(refusals).hasValueBetween(1, 300))
                .then(this::endAll)
                .thenAwait(Duration.ofSeconds(60))
                .then(this::endAll)
                .expectNext(applied(5))
                .verifyComplete();
    }

    @Test
    void triesAnAbsentDatabaseUntilTheDeadline() {
        failures = 1;
        StepVerifier.withVirtualTime(() -> bulk(1).patiently(() -> 0, 1, Schedulers.immediate()))
                .then(this::endAll)
                .thenAwait(Duration.ofSeconds(1))
                .then(this::endAll)
                .expectNext(applied(1))
                .verifyComplete();
        failures = 1;
        StepVerifier.withVirtualTime(() -> bulk(1).patiently(() -> 2, 1, Schedulers.immediate()))
                .then(this::endAll)
                .expectNext(List.of(unlucky))
                .verifyComplete();
    }

    @Test
    void doesNotTryAgainWhatMayHaveBeenApplied() {
        failures = 1;
        unlucky = new Unknown();
        StepVerifier.withVirtualTime(() -> bulk(1).patiently(() -> 0, 1, Schedulers.immediate()))
                .then(this::endAll)
                .expectNext(List.of(new Unknown()))
                .verifyComplete();
        assertThat(ends).hasSize(1);
    }
}
