package io.tally.lane;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.atomic.AtomicReference;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import reactor.core.Disposable;
import reactor.core.publisher.Mono;
import reactor.core.publisher.Sinks;
import reactor.test.StepVerifier;
import reactor.test.scheduler.VirtualTimeScheduler;

class LaneTest {

    private static final Lane.Limits LIMITS = new Lane.Limits(3, 5, Duration.ofSeconds(1), Duration.ofSeconds(10));

    private final AtomicLong now = new AtomicLong();
    private final Held held = new Held();
    private final Lane<Integer, String> lane = lane(held);
    private VirtualTimeScheduler time;

    /** A lane's own timers go off when the test says so, and never beside it. */
    @BeforeEach
    void standStill() {
        time = VirtualTimeScheduler.getOrSet();
    }

    @AfterEach
    void goOn() {
        VirtualTimeScheduler.reset();
    }

    private Lane<Integer, String> lane(BatchHandler<Integer, String> flush) {
        return new Lane<>("test", LIMITS, flush, CallerExecutor.ANY, nanos -> {}, now::get);
    }

    /** A flush whose batches end when the test says so. */
    private static class Held implements BatchHandler<Integer, String> {
        final List<List<Integer>> batches = new ArrayList<>();
        final List<Sinks.Empty<Void>> ends = new ArrayList<>();
        boolean available = true;
        boolean commits = true;

        @Override
        public Mono<Void> handle(List<PendingRequest<Integer, String>> batch) {
            batches.add(batch.stream().map(PendingRequest::request).toList());
            Sinks.Empty<Void> end = Sinks.empty();
            ends.add(end);
            return end.asMono()
                    .doOnSuccess(nothing -> batch.forEach(pending -> pending.answer("done " + pending.request())));
        }

        @Override
        public Refusals<String> refusals() {
            return new Refusals<>("overloaded", "unavailable", "abandoned");
        }

        @Override
        public boolean isAvailable() {
            return available;
        }

        @Override
        public boolean commits() {
            return commits;
        }

        void end(int batch) {
            ends.get(batch).tryEmitEmpty();
        }

        /** Those that begin meanwhile, too. */
        void endAll() {
            for (int i = 0; i < ends.size(); i++) {
                end(i);
            }
        }
    }

    private List<String> submit(int from, int to) {
        List<String> answers = new ArrayList<>();
        IntStream.rangeClosed(from, to).forEach(i -> lane.submit(i).subscribe(answers::add));
        return answers;
    }

    @Test
    void cutsTheNextBatchFromWhatCameMeanwhile() {
        List<String> answers = submit(1, 6);

        assertThat(held.batches).containsExactly(List.of(1));
        held.end(0);
        assertThat(held.batches).containsExactly(List.of(1), List.of(2, 3, 4));
        held.end(1);
        held.end(2);
        assertThat(held.batches).containsExactly(List.of(1), List.of(2, 3, 4), List.of(5, 6));
        assertThat(answers).containsExactly("done 1", "done 2", "done 3", "done 4", "done 5", "done 6");
    }

    /** After a batch of one that took so long, with four in the queue. */
    private Lane<Integer, String> afterABatchOf(Duration took) {
        Lane<Integer, String> crowded = new Lane<>(
                "test",
                new Lane.Limits(100, 100, Duration.ofSeconds(1), Duration.ofSeconds(10)),
                held,
                CallerExecutor.ANY,
                nanos -> {},
                now::get);
        IntStream.rangeClosed(1, 5).forEach(i -> crowded.submit(i).subscribe());
        now.addAndGet(took.toNanos());
        held.end(0);
        return crowded;
    }

    @Test
    void waitsAfterASlowBatchUntilAsManyHaveComeAsWereAnswered() {
        Lane<Integer, String> crowded = afterABatchOf(Duration.ofMillis(2));
        assertThat(held.batches).hasSize(1);

        crowded.submit(6).subscribe();
        assertThat(held.batches).containsExactly(List.of(1), List.of(2, 3, 4, 5, 6));
    }

    @Test
    void waitsHalfAsLongAsTheBatchTookAtMost() {
        afterABatchOf(Duration.ofMillis(2));
        now.addAndGet(Duration.ofMillis(1).toNanos());
        assertThat(held.batches).hasSize(1);

        time.advanceTimeBy(Duration.ofMillis(1));
        assertThat(held.batches).containsExactly(List.of(1), List.of(2, 3, 4, 5));
    }

    @Test
    void waitsFiveMillisecondsAtMost() {
        Lane<Integer, String> crowded = afterABatchOf(Duration.ofMillis(100));
        now.addAndGet(Duration.ofMillis(5).toNanos());
        crowded.expire();
        assertThat(held.batches).hasSize(2);
    }

    @Test
    void doesNotWaitAfterAFastBatch() {
        afterABatchOf(Duration.ofNanos(999_999));
        assertThat(held.batches).containsExactly(List.of(1), List.of(2, 3, 4, 5));
    }

    @Test
    void doesNotWaitAfterTrouble() {
        afterABatchOf(Duration.ofMillis(101));
        assertThat(held.batches).hasSize(2);
    }

    @Test
    void doesNotWaitWhereNothingIsCommitted() {
        held.commits = false;
        afterABatchOf(Duration.ofMillis(2));
        assertThat(held.batches).hasSize(2);
    }

    @Test
    void doesNotWaitAgainAtOnceWhereNobodyCameBack() {
        Lane<Integer, String> crowded = afterABatchOf(Duration.ofMillis(2));
        now.addAndGet(Duration.ofMillis(1).toNanos());
        crowded.expire();
        for (int batch = 1; batch <= 2; batch++) {
            IntStream.rangeClosed(1, 5).forEach(i -> crowded.submit(i).subscribe());
            now.addAndGet(Duration.ofMillis(2).toNanos());
            held.end(batch);
            assertThat(held.batches).hasSize(batch + 2);
        }
        IntStream.rangeClosed(1, 5).forEach(i -> crowded.submit(i).subscribe());
        now.addAndGet(Duration.ofMillis(2).toNanos());
        held.end(3);
        assertThat(held.batches).hasSize(4);
    }

    @Test
    void doesNotWaitWhenClosing() {
        Lane<Integer, String> crowded = afterABatchOf(Duration.ofMillis(2));
        crowded.close(Duration.ofSeconds(1), () -> {});
        assertThat(held.batches).hasSize(2);
    }

    @Test
    void answersThoseThatCameTogetherTogether() {
        List<List<String>> answers = new ArrayList<>();
        RequestSequence<String> sequence = new RequestSequence<>();
        assertThat(lane.offer(List.of(1, 2), sequence, answers::add)).isTrue();
        assertThat(lane.offer(List.of(3, 4), sequence, answers::add)).isTrue();

        assertThat(held.batches).containsExactly(List.of(1, 2));
        held.end(0);
        assertThat(answers).containsExactly(List.of("done 1", "done 2"));
        held.end(1);
        assertThat(answers).containsExactly(List.of("done 1", "done 2"), List.of("done 3", "done 4"));
    }

    @Test
    void leavesHalfOfTheQueueToThoseThatComeAlone() {
        submit(1, 1);
        RequestSequence<String> sequence = new RequestSequence<>();
        assertThat(lane.togetherMax()).isEqualTo(2);
        assertThat(lane.offer(List.of(2, 3), sequence, answers -> {})).isTrue();
        assertThat(lane.offer(List.of(4), sequence, answers -> {})).isFalse();
        List<String> alone = submit(5, 7);

        assertThat(alone).isEmpty();
        assertThat(lane.queued()).isEqualTo(5);
    }

    @Test
    void refusesAtOnceWhenFull() {
        List<String> answers = submit(1, 7);

        assertThat(lane.queued()).isEqualTo(5);
        assertThat(answers).containsExactly("overloaded");
    }

    @Test
    void refusesThoseThatWaitedTooLong() {
        List<String> answers = submit(1, 2);
        now.addAndGet(Duration.ofSeconds(1).toNanos());
        lane.expire();
        assertThat(answers).isEmpty();

        now.incrementAndGet();
        lane.expire();
        assertThat(answers).containsExactly("overloaded");
        held.end(0);
        assertThat(held.batches).containsExactly(List.of(1));
    }

    @Test
    void namesTheAbsentDatabaseAsTheCauseOfAWait() {
        held.available = false;
        List<String> answers = submit(1, 2);
        now.addAndGet(Duration.ofSeconds(2).toNanos());
        lane.expire();
        assertThat(answers).containsExactly("unavailable");
    }

    @Test
    void aCallerThatGoesAwayCancelsNothing() {
        Disposable first = lane.submit(1).subscribe();
        Disposable second = lane.submit(2).subscribe();
        first.dispose();
        second.dispose();

        held.end(0);
        assertThat(held.batches).containsExactly(List.of(1), List.of(2));
    }

    @Test
    void goesOnAfterAFlushThatThrows() {
        AtomicInteger flushes = new AtomicInteger();
        Lane<Integer, String> failing = lane(new Held() {
            @Override
            public Mono<Void> handle(List<PendingRequest<Integer, String>> batch) {
                if (flushes.getAndIncrement() == 0) {
                    throw new IllegalStateException("at assembly");
                }
                return Mono.error(new IllegalStateException("on subscription"));
            }
        });

        StepVerifier.create(failing.submit(1)).expectNext("abandoned").verifyComplete();
        StepVerifier.create(failing.submit(2)).expectNext("abandoned").verifyComplete();
        assertThat(flushes).hasValue(2);
    }

    @Test
    void goesOnAfterAnObserverThatThrows() {
        AtomicInteger observed = new AtomicInteger();
        Lane<Integer, String> observing = new Lane<>(
                "observed",
                LIMITS,
                held,
                CallerExecutor.ANY,
                nanos -> {
                    if (observed.getAndIncrement() == 0) {
                        throw new IllegalStateException("a meter that refuses a number");
                    }
                },
                now::get);

        observing.submit(1).subscribe();
        observing.submit(2).subscribe();
        held.end(0);
        assertThat(held.batches).containsExactly(List.of(1), List.of(2));
    }

    /** Errors that Reactor throws instead of signalling them, in a place where each stopped a lane for good. */
    @ParameterizedTest
    @EnumSource
    void goesOnAfterAnErrorOfTheJvm(Failing place) {
        LinkageError error = new LinkageError("injected");
        AtomicReference<@Nullable Error> injected = new AtomicReference<>(error);
        Held failing = new Held() {
            @Override
            public Mono<Void> handle(List<PendingRequest<Integer, String>> batch) {
                throwAt(Failing.FLUSH);
                return super.handle(batch).doOnSubscribe(subscription -> throwAt(Failing.SUBSCRIPTION));
            }

            @Override
            public boolean commits() {
                throwAt(Failing.COMMITS);
                return super.commits();
            }

            @Override
            public boolean isAvailable() {
                throwAt(Failing.STORE_ANSWERS);
                return super.isAvailable();
            }

            private void throwAt(Failing at) {
                Error toThrow = at == place ? injected.getAndSet(null) : null;
                if (toThrow != null) {
                    throw toThrow;
                }
            }
        };
        Lane<Integer, String> surviving = new Lane<>(
                "surviving",
                LIMITS,
                failing,
                CallerExecutor.ANY,
                nanos -> {
                    Error toThrow = place == Failing.OBSERVER ? injected.getAndSet(null) : null;
                    if (toThrow != null) {
                        throw toThrow;
                    }
                },
                now::get);
        List<String> answers = new ArrayList<>();
        surviving.submit(1).subscribe(answer -> {
            answers.add(answer);
            if (place == Failing.CALLER) {
                injected.set(null);
                throw error;
            }
        });
        surviving.submit(2).subscribe(answers::add);
        surviving.submit(3).subscribe(answers::add);
        failing.endAll();
        // One in flight, and one that waits too long.
        surviving.submit(4).subscribe(answers::add);
        surviving.submit(5).subscribe(answers::add);
        now.addAndGet(LIMITS.waitMax().toNanos() + 1);
        surviving.expire();
        failing.endAll();
        surviving.submit(6).subscribe(answers::add);
        failing.endAll();

        assertThat(injected).as("the error was thrown").hasNullValue();
        assertThat(answers).hasSize(6).endsWith("done 6");
        assertThat(surviving.queued()).isZero();
    }

    /** Where something throws. */
    enum Failing {
        FLUSH,
        SUBSCRIPTION,
        COMMITS,
        STORE_ANSWERS,
        OBSERVER,
        CALLER
    }

    @Test
    void abandonsABatchThatDoesNotEnd() {
        AtomicInteger cancelled = new AtomicInteger();
        AtomicInteger flushes = new AtomicInteger();
        Lane<Integer, String> stuck = lane(new Held() {
            @Override
            public Mono<Void> handle(List<PendingRequest<Integer, String>> batch) {
                return flushes.getAndIncrement() == 0
                        ? Mono.<Void>never().doOnCancel(cancelled::incrementAndGet)
                        : super.handle(batch);
            }
        });
        List<String> answers = new ArrayList<>();
        stuck.submit(1).subscribe(answers::add);
        now.addAndGet(LIMITS.flightMax().toNanos());
        stuck.expire();
        assertThat(answers).isEmpty();
        assertThat(stuck.batchAge()).isEqualTo(LIMITS.flightMax());

        now.incrementAndGet();
        stuck.expire();
        assertThat(answers).containsExactly("abandoned");
        assertThat(cancelled).hasValue(1);
        assertThat(stuck.batchAge()).isZero();
        stuck.submit(2).subscribe();
        assertThat(flushes).hasValue(2);
    }

    @Test
    void refusesTheLaterRequestsOfASequence() {
        List<List<String>> answers = new ArrayList<>();
        RequestSequence<String> sequence = new RequestSequence<>();
        submit(1, 1);
        lane.offer(List.of(2), sequence, answers::add);
        now.addAndGet(LIMITS.waitMax().toNanos());
        lane.offer(List.of(3), sequence, answers::add);
        lane.submit(4).subscribe();
        now.incrementAndGet();
        lane.expire();
        held.end(0);

        String overloaded = "overloaded";
        assertThat(answers).containsExactly(List.of(overloaded), List.of(overloaded));
        assertThat(held.batches).containsExactly(List.of(1), List.of(4));
    }

    @Test
    void answersOnTheThreadThatAsked() {
        List<Runnable> tasks = new ArrayList<>();
        Lane<Integer, String> threaded = new Lane<>("threaded", LIMITS, held, () -> tasks::add, nanos -> {}, now::get);
        List<String> answers = new ArrayList<>();
        threaded.submit(1).subscribe(answers::add);
        tasks.removeFirst().run();
        threaded.submit(2).subscribe(answers::add);

        held.end(0);
        assertThat(held.batches).as("the next batch does not wait for answers").hasSize(2);
        assertThat(answers).isEmpty();
        tasks.forEach(Runnable::run);
        assertThat(answers).containsExactly("done 1");
    }

    @Test
    void whatAThreadReadsTogetherIsOneBatch() {
        List<Runnable> tasks = new ArrayList<>();
        Lane<Integer, String> threaded = new Lane<>("threaded", LIMITS, held, () -> tasks::add, nanos -> {}, now::get);
        IntStream.rangeClosed(1, 3).forEach(i -> threaded.submit(i).subscribe());
        assertThat(held.batches).isEmpty();
        assertThat(tasks).hasSize(1);

        tasks.removeFirst().run();
        assertThat(held.batches).containsExactly(List.of(1, 2, 3));

        held.end(0);
        threaded.submit(4).subscribe();
        tasks.forEach(Runnable::run);
        assertThat(held.batches).containsExactly(List.of(1, 2, 3), List.of(4));
    }

    @Test
    void sendsAtOnceIfTheThreadOfTheCallerHasStopped() {
        CallerExecutor stopped = () -> task -> {
            throw new RejectedExecutionException();
        };
        Lane<Integer, String> threaded = new Lane<>("threaded", LIMITS, held, stopped, nanos -> {}, now::get);
        List<String> answers = new ArrayList<>();
        threaded.submit(1).subscribe(answers::add);

        held.end(0);
        assertThat(answers).containsExactly("done 1");
    }

    @Test
    void closesWhenNobodyWaits() {
        List<String> answers = submit(1, 2);
        AtomicInteger closed = new AtomicInteger();
        lane.close(Duration.ofMinutes(1), closed::incrementAndGet);
        List<String> late = submit(3, 3);

        assertThat(late).containsExactly("unavailable");
        held.end(0);
        assertThat(closed).hasValue(0);
        held.end(1);
        assertThat(closed).hasValue(1);
        assertThat(answers).containsExactly("done 1", "done 2");
    }

    @Test
    @Timeout(60)
    void wakesUpForEverybody() throws InterruptedException {
        wakesUpForEverybody(CallerExecutor.ANY);
    }

    @Test
    @Timeout(60)
    void wakesUpForEverybodyFromTheThreadOfOneCaller() throws InterruptedException {
        try (ExecutorService loop = Executors.newSingleThreadExecutor()) {
            wakesUpForEverybody(() -> loop);
        }
    }

    /** Threads submit while batches end on other threads: a lost wake-up would leave a caller waiting forever. */
    private static void wakesUpForEverybody(CallerExecutor callers) throws InterruptedException {
        // Real threads and real timers.
        VirtualTimeScheduler.reset();
        int threads = 8;
        int each = 20_000;
        CountDownLatch answered = new CountDownLatch(threads * each);
        AtomicInteger inFlight = new AtomicInteger();
        AtomicInteger overlaps = new AtomicInteger();
        Lane<Integer, String> busy = new Lane<>(
                "busy",
                new Lane.Limits(64, threads * each, Duration.ofMinutes(5), Duration.ofMinutes(5)),
                new Held() {
                    @Override
                    public Mono<Void> handle(List<PendingRequest<Integer, String>> batch) {
                        return Mono.fromRunnable(() -> {
                                    overlaps.addAndGet(inFlight.getAndIncrement());
                                    batch.forEach(pending -> pending.answer("done"));
                                    inFlight.decrementAndGet();
                                })
                                .subscribeOn(reactor.core.scheduler.Schedulers.parallel())
                                .then();
                    }
                },
                callers,
                nanos -> {},
                System::nanoTime);

        for (int t = 0; t < threads; t++) {
            Thread.ofPlatform().start(() -> {
                for (int i = 0; i < each; i++) {
                    busy.submit(i).subscribe(answer -> answered.countDown());
                }
            });
        }

        assertThat(answered.await(50, TimeUnit.SECONDS)).isTrue();
        assertThat(overlaps).hasValue(0);
        assertThat(busy.queued()).isZero();
    }
}
