package io.tally.lane;

import static org.assertj.core.api.Assertions.assertThat;

import io.tally.lane.OrderedSubmission.RetryPolicy;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import reactor.core.Disposable;
import reactor.core.publisher.Mono;
import reactor.core.publisher.Sinks;
import reactor.test.scheduler.VirtualTimeScheduler;

class OrderedSubmissionTest {

    private static final Duration RETRY_MAX = Duration.ofSeconds(20);

    private final VirtualTimeScheduler time = VirtualTimeScheduler.getOrSet();
    private final Handler handler = new Handler();
    private final Lane<Integer, String> lane = new Lane<>(
            "test",
            new Lane.Limits(8, 4, Duration.ofSeconds(5), Duration.ofDays(1)),
            handler,
            CallerExecutor.ANY,
            nanos -> {},
            this::now);

    private long now() {
        return time.now(TimeUnit.NANOSECONDS);
    }

    @AfterEach
    void realTimeAgain() {
        VirtualTimeScheduler.reset();
    }

    /** Batches end when the test says so; each request is applied but for those that the test has refused. */
    private static final class Handler implements BatchHandler<Integer, String> {

        final List<Sinks.Empty<Void>> ends = new ArrayList<>();
        final List<Integer> applied = new ArrayList<>();
        final List<Integer> refused = new ArrayList<>();
        int flushes;

        @Override
        public Mono<Void> handle(List<PendingRequest<Integer, String>> batch) {
            flushes++;
            Sinks.Empty<Void> end = Sinks.empty();
            ends.add(end);
            return end.asMono().doOnSuccess(nothing -> batch.forEach(this::answer));
        }

        private void answer(PendingRequest<Integer, String> pending) {
            Integer request = pending.request();
            if (refused.remove(/* element */ request)) {
                pending.refuse("unavailable");
            } else if (!pending.refuseAfterEarlier()) {
                applied.add(request);
                pending.answer("applied " + request);
            }
        }

        void endAll() {
            for (int i = 0; i < ends.size(); i++) {
                ends.get(i).tryEmitEmpty();
            }
        }

        @Override
        public Refusals<String> refusals() {
            return new Refusals<>("overloaded", "unavailable", "unknown");
        }

        @Override
        public boolean isAvailable() {
            return true;
        }
    }

    private OrderedSubmission<Integer, String> array() {
        return new OrderedSubmission<>(any -> lane, RetryPolicy.never(), Runnable::run, this::now);
    }

    private OrderedSubmission<Integer, String> stream() {
        return new OrderedSubmission<>(any -> lane, OrderedSubmissionTest::isRetried, Runnable::run, this::now);
    }

    private static boolean isRetried(String outcome, long nanos) {
        return outcome.equals("overloaded") || (outcome.equals("unavailable") && nanos < RETRY_MAX.toNanos());
    }

    private static List<Integer> requests(int from, int to) {
        return IntStream.rangeClosed(from, to).boxed().toList();
    }

    private static List<String> applied(int from, int to) {
        return IntStream.rangeClosed(from, to).mapToObj(i -> "applied " + i).toList();
    }

    private void endAllFor(Duration duration) {
        for (long millis = 0; millis < duration.toMillis(); millis += 10) {
            handler.endAll();
            time.advanceTimeBy(Duration.ofMillis(10));
        }
    }

    @Test
    void refusesWhatAnArrayHasNoRoomForAndAllBehindIt() {
        List<String> outcomes = new ArrayList<>();
        // Two are in flight, two wait: the fifth finds half of the queue full.
        array().submit(requests(1, 7)).subscribe(outcomes::addAll);
        handler.endAll();

        assertThat(outcomes)
                .containsExactly(
                        "applied 1", "applied 2", "applied 3", "applied 4", "overloaded", "overloaded", "overloaded");
    }

    @Test
    void waitsForRoomInTheOrderOfTheRequests() {
        OrderedSubmission<Integer, String> stream = stream();
        List<String> outcomes = new ArrayList<>();
        stream.submit(requests(1, 9)).subscribe(outcomes::addAll);
        stream.submit(requests(10, 12)).subscribe(outcomes::addAll);
        endAllFor(Duration.ofSeconds(10));

        assertThat(handler.applied).isEqualTo(requests(1, 12));
        assertThat(outcomes).isEqualTo(applied(1, 12));
    }

    @Test
    void looksForRoomNowAndThen() {
        lane.submit(1).subscribe();
        IntStream.rangeClosed(2, 3).forEach(i -> lane.submit(i).subscribe());
        List<Long> asked = new ArrayList<>();
        new OrderedSubmission<Integer, String>(
                        any -> lane,
                        (outcome, nanos) -> {
                            asked.add(nanos);
                            return isRetried(outcome, nanos);
                        },
                        Runnable::run,
                        this::now)
                .submit(List.of(4))
                .subscribe();
        time.advanceTimeBy(Duration.ofMinutes(1));

        assertThat(asked).hasSizeBetween(60_000 / 20, 60_000 / 10 + 1);
    }

    @Test
    void appliesNothingBehindARequestThatWasRefused() {
        OrderedSubmission<Integer, String> stream = stream();
        List<String> outcomes = new ArrayList<>();
        handler.refused.add(1);
        stream.submit(requests(1, 2)).subscribe(outcomes::addAll);
        stream.submit(requests(3, 4)).subscribe(outcomes::addAll);
        endAllFor(Duration.ofSeconds(1));

        assertThat(handler.applied).isEqualTo(requests(1, 4));
        assertThat(outcomes).isEqualTo(applied(1, 4));
    }

    @Test
    void appliesNothingBehindARequestThatWaitedTooLong() {
        OrderedSubmission<Integer, String> stream = stream();
        List<String> outcomes = new ArrayList<>();
        lane.submit(0).subscribe();
        stream.submit(requests(1, 1)).subscribe(outcomes::addAll);
        time.advanceTimeBy(Duration.ofSeconds(3));
        stream.submit(requests(2, 2)).subscribe(outcomes::addAll);
        time.advanceTimeBy(Duration.ofSeconds(3));
        lane.expire();
        endAllFor(Duration.ofSeconds(1));

        assertThat(handler.applied).isEqualTo(requests(0, 2));
        assertThat(outcomes).isEqualTo(applied(1, 2));
    }

    @Test
    void streamsDoNotWaitForEachOther() {
        handler.refused.addAll(List.of(1, 1));
        List<String> refused = new ArrayList<>();
        List<String> other = new ArrayList<>();
        stream().submit(requests(1, 1)).subscribe(refused::addAll);
        stream().submit(requests(2, 2)).subscribe(other::addAll);
        handler.endAll();

        assertThat(other).isEqualTo(applied(2, 2));
        assertThat(refused).isEmpty();
        endAllFor(Duration.ofSeconds(1));
        assertThat(refused).isEqualTo(applied(1, 1));
    }

    @Test
    void retriesAnAbsentDatabaseUntilTheDeadline() {
        OrderedSubmission<Integer, String> stream = stream();
        List<String> outcomes = new ArrayList<>();
        handler.refused.addAll(IntStream.range(0, 1_000).mapToObj(i -> 1).toList());
        stream.submit(requests(1, 2)).subscribe(outcomes::addAll);
        endAllFor(RETRY_MAX.plusSeconds(1));

        assertThat(outcomes).containsExactly("unavailable", "unavailable");
        assertThat(handler.flushes).isBetween(10, 200);
        handler.refused.clear();
        stream.submit(requests(3, 3)).subscribe(outcomes::addAll);
        endAllFor(Duration.ofSeconds(1));
        assertThat(outcomes).containsExactly("unavailable", "unavailable", "applied 3");
    }

    @Test
    void doesNotRetryWhatMayHaveBeenApplied() {
        List<String> outcomes = new ArrayList<>();
        stream().submit(requests(1, 1)).subscribe(outcomes::addAll);
        handler.ends.getFirst().tryEmitError(new IllegalStateException("lost"));
        endAllFor(Duration.ofSeconds(1));

        assertThat(outcomes).containsExactly("unknown");
        assertThat(handler.flushes).isEqualTo(1);
    }

    @Test
    void cancellingABlockGivesUpWhatNoLaneHasTaken() {
        OrderedSubmission<Integer, String> stream = stream();
        Disposable first = stream.submit(requests(1, 6)).subscribe();
        Disposable second = stream.submit(requests(7, 7)).subscribe();
        first.dispose();
        second.dispose();
        endAllFor(Duration.ofSeconds(5));

        assertThat(handler.applied).isEqualTo(requests(1, 4));
        assertThat(lane.queued()).isZero();
    }

    @Test
    void failsAllOpenBlocksWhereItFailsItself() {
        LinkageError error = new LinkageError("injected");
        OrderedSubmission<Integer, String> failing = new OrderedSubmission<>(
                request -> {
                    if (request == 3) {
                        throw error;
                    }
                    return lane;
                },
                RetryPolicy.never(),
                Runnable::run,
                this::now);
        List<Throwable> failures = new ArrayList<>();
        failing.submit(requests(1, 2)).subscribe(outcomes -> {}, failures::add);
        failing.submit(requests(3, 4)).subscribe(outcomes -> {}, failures::add);
        endAllFor(Duration.ofSeconds(1));

        assertThat(failures).containsExactly(error, error);
        assertThat(handler.applied).isEqualTo(requests(1, 2));
        assertThat(lane.queued()).isZero();
    }

    @Test
    void aBlockWithoutRequestsIsAnsweredAtOnce() {
        List<List<String>> outcomes = new ArrayList<>();
        stream().submit(List.of()).subscribe(outcomes::add);
        assertThat(outcomes).containsExactly(List.of());
    }
}
