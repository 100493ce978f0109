package io.tally.lab;

import io.tally.lab.LabDatabase.Counted;
import io.tally.lab.LabDatabase.Stored;
import io.tally.lab.LabDatabase.Worker;
import io.tally.lab.LabRun.Result;
import io.tally.pipeline.StoreFailure;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.ThreadLocalRandom;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.LongSupplier;
import org.HdrHistogram.ConcurrentHistogram;
import org.HdrHistogram.Histogram;
import org.jspecify.annotations.Nullable;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;
import reactor.core.publisher.SynchronousSink;

/**
 * The measurement of an experiment: workers count until the last increment, the time limit, or a stop. Each finishes
 * its current increment, so that the outcome of every increment is known.
 */
final class Measurement {

    /** A precision of 0.1 %, finer than the difference between two runs. */
    private static final int DIGITS = 3;

    private static final double NANOS_PER_MILLI = 1e6;

    private final Experiment experiment;
    private final List<Worker> workers;
    private final long runMaxNanos;
    private final LongSupplier nanoClock;

    private final AtomicLong begun = new AtomicLong();
    private final AtomicLong acknowledged = new AtomicLong();
    private final AtomicLong errors = new AtomicLong();
    private final AtomicLong retries = new AtomicLong();
    private final Histogram nanos = new ConcurrentHistogram(DIGITS);
    private final AtomicReference<@Nullable StoreFailure> failure = new AtomicReference<>();
    private volatile boolean stopped;
    private volatile boolean timedOut;
    private volatile long startNanos;
    private volatile long endNanos;

    /** @param nanoClock {@link System#nanoTime}, except in tests */
    Measurement(Experiment experiment, List<Worker> workers, Duration runMax, LongSupplier nanoClock) {
        this.experiment = experiment;
        this.workers = workers;
        this.runMaxNanos = runMax.toNanos();
        this.nanoClock = nanoClock;
    }

    /** Runs the workers. Fails with {@link StoreFailure} if the outcome of an increment is unknown. */
    Mono<Void> run() {
        return Mono.defer(this::started)
                .doOnSuccess(nothing -> endNanos = nanoClock.getAsLong())
                .then(Mono.defer(this::failed));
    }

    private Mono<Void> failed() {
        StoreFailure first = failure.get();
        return first == null ? Mono.empty() : Mono.error(first);
    }

    private Mono<Void> started() {
        startNanos = nanoClock.getAsLong();
        return Flux.fromIterable(workers).flatMap(this::works, workers.size()).then();
    }

    private Mono<Void> works(Worker worker) {
        return Flux.generate(this::next)
                .concatMap(counter -> counted(worker, counter), 0)
                .onErrorResume(StoreFailure.class, this::broken)
                .then();
    }

    private void next(SynchronousSink<Integer> counter) {
        if (isActive() && begun.getAndIncrement() < experiment.increments()) {
            counter.next(ThreadLocalRandom.current().nextInt(experiment.counters()));
        } else {
            counter.complete();
        }
    }

    private boolean isActive() {
        if (nanoClock.getAsLong() - startNanos > runMaxNanos && begun.get() < experiment.increments()) {
            timedOut = true;
        }
        return !stopped && !timedOut;
    }

    private Mono<Counted> counted(Worker worker, int counter) {
        long sinceNanos = nanoClock.getAsLong();
        return worker.count(counter, this::isActive)
                .doOnNext(counted -> keep(counted, nanoClock.getAsLong() - sinceNanos));
    }

    private void keep(Counted counted, long tookNanos) {
        retries.addAndGet(counted.retries());
        if (counted.acknowledged()) {
            acknowledged.incrementAndGet();
            nanos.recordValue(tookNanos);
        } else {
            errors.incrementAndGet();
        }
    }

    /** The others finish their current increment: a cancelled statement would leave one more outcome in doubt. */
    private Mono<Counted> broken(StoreFailure first) {
        failure.compareAndSet(null, first);
        stop();
        return Mono.empty();
    }

    /** Makes the workers start no further increment. */
    void stop() {
        stopped = true;
    }

    /** The number of completed increments. */
    long done() {
        return acknowledged.get() + errors.get();
    }

    /** What was measured. */
    Result result(Stored stored) {
        return new Result(
                acknowledged.get(),
                stored.increments(),
                stored.duplicateRows(),
                errors.get(),
                retries.get(),
                (endNanos - startNanos) / 1e9,
                percentileMs(50),
                percentileMs(99),
                timedOut);
    }

    private @Nullable Double percentileMs(double percentile) {
        return nanos.getTotalCount() == 0 ? null : nanos.getValueAtPercentile(percentile) / NANOS_PER_MILLI;
    }
}
