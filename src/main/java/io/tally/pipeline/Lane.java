package io.tally.pipeline;

import io.tally.counter.Outcome.Overloaded;
import io.tally.counter.Outcome.Refusal;
import io.tally.counter.Outcome.StoreUnavailable;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.LongSupplier;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;
import reactor.core.publisher.MonoSink;
import reactor.core.publisher.Sinks;

/**
 * A bounded queue with one batch in flight at most. {@link #submit} may be called from any thread; answers arrive on the
 * thread they were asked for on. Cancelling the returned {@code Mono} gives up the answer, never the request.
 */
public final class Lane<I, O> {
    /*
     * Smart batching
     *
     * While a batch is in flight, arrivals pile up; when it completes, all that piled up is the next batch. No timer decides: an
     * idle lane sends a lone request at once, a busy lane sends large batches, and the batch size finds itself. (Martin Thompson
     * described it under that name in 2011; a database's group commit does the same for fsync.)
     *
     * Waiting for those who come back
     *
     * Callers who wait for an answer before they ask again fall into two crowds that take turns: one is in flight while the other
     * is in the queue, and each batch is half of what it could be. Where commits are slow that is half of the throughput. So
     * after a slow commit the lane waits, for half of the time that it took at most, until as many have come as it has just
     * answered. Where not even three quarters of them come, waiting saves nothing: callers who come whenever they like come to
     * half in that time, and a great many callers need longer. Then the lane tries it again after two batches, then after four,
     * and so on.
     *
     * One drain at a time
     *
     * drain() may be called from any thread. A work-in-progress counter lets the first caller in and has it go round again for
     * each caller that came meanwhile, so what is inside runs by one thread at a time and nobody blocks. The queue therefore has
     * many producers and one consumer, and batches are cut in arrival order.
     *
     * The only subscriber
     *
     * A batch belongs to the lane, which subscribes to it here and nowhere else. A caller holds a sink and nothing more: its
     * going away cannot cancel a write that others wait for.
     */

    private static final Logger log = LoggerFactory.getLogger(Lane.class);

    private static final Duration CLOSING_TICK = Duration.ofMillis(250);

    /** A batch that took less is a fast disk's: waiting costs more there than it saves. */
    private static final long SLOW_NANOS = Duration.ofMillis(1).toNanos();

    /** A batch that took more met with trouble, and not with a slow disk. */
    private static final long TROUBLE_NANOS = Duration.ofMillis(100).toNanos();

    /** The longest that is waited for those who come back: half of what the batch took, and no more than this. */
    private static final long RETURN_MAX_NANOS = Duration.ofMillis(5).toNanos();

    /** Fewer are no crowd. */
    private static final int CROWD_MIN = 4;

    /** The most batches that are not waited after: two to the power of this. */
    private static final int FRUITLESS_MAX = 7;

    private final String name;
    private final Limits limits;
    private final Flush<I, O> flush;
    private final CallerThreads threads;
    private final WaitObserver observer;
    private final LongSupplier nanoClock;

    private final Queue<Waiter<I, O>> queue = new ConcurrentLinkedQueue<>();
    private final AtomicInteger queued = new AtomicInteger();
    private final AtomicInteger drains = new AtomicInteger();
    private final Sinks.Empty<Void> emptied = Sinks.empty();
    private volatile boolean inFlight;
    private volatile boolean closing;

    // Of whoever has a batch in flight, or drains while none is.
    private long cutNanos;
    private int awaited;
    private int enough;
    private long awaitedUntilNanos;
    private int fruitless;
    private int notWaitedAfter;

    /** Told how long each waiter waited before its batch was cut. */
    public interface WaitObserver {
        /** {@code nanos} after it entered. */
        void waited(long nanos);
    }

    /**
     * What a lane may hold.
     *
     * @param batchMax the most requests in a batch
     * @param queueMax the most that wait; one more is refused
     * @param waitMax how long each waits before it is refused
     */
    public record Limits(int batchMax, int queueMax, Duration waitMax) {}

    /** A lane that nobody has entered. */
    public Lane(
            String name,
            Limits limits,
            Flush<I, O> flush,
            CallerThreads threads,
            WaitObserver observer,
            LongSupplier nanoClock) {
        this.name = name;
        this.limits = limits;
        this.flush = flush;
        this.threads = threads;
        this.observer = observer;
        this.nanoClock = nanoClock;
    }

    /** Enters a request on subscription, each subscription anew: never put a retry above this. */
    public Mono<O> submit(I request) {
        return Mono.create(sink -> enter(
                List.of(new Waiter<>(request, new Caller<>(sink, threads.current()), nanoClock.getAsLong())),
                limits.queueMax()));
    }

    /**
     * Enters requests on subscription, all or none; gives their answers together, in their order. Those that come together
     * leave half of the queue to those that come alone.
     *
     * @param requests {@link #togetherMax} at most: more are refused
     */
    public Mono<List<O>> submit(List<I> requests) {
        return requests.isEmpty() ? Mono.just(List.of()) : Mono.create(sink -> enterTogether(requests, sink));
    }

    /** The most requests that can come together. */
    public int togetherMax() {
        return Math.max(limits.queueMax() / 2, 1);
    }

    private void enterTogether(List<I> requests, MonoSink<List<O>> sink) {
        if (queued.get() + requests.size() > togetherMax()) {
            // Those who wait for room ask often: they get their answer before anything is made for them.
            sink.success(Collections.nCopies(requests.size(), flush.refused(new Overloaded())));
            return;
        }
        Caller.Joint<O> joint = new Caller.Joint<>(new Caller<>(sink, threads.current()), requests.size());
        long now = nanoClock.getAsLong();
        List<Waiter<I, O>> waiters = new ArrayList<>(requests.size());
        for (int i = 0; i < requests.size(); i++) {
            waiters.add(new Waiter<>(requests.get(i), joint.place(i), now));
        }
        enter(waiters, togetherMax());
    }

    private void enter(List<Waiter<I, O>> waiters, int room) {
        // Counted before the look at closing: a lane that closes waits for whoever it counted.
        int waiting = queued.addAndGet(waiters.size());
        if (closing) {
            turnAway(waiters, new StoreUnavailable());
            drain();
        } else if (waiting > room) {
            turnAway(waiters, new Overloaded());
        } else {
            queue.addAll(waiters);
            drain();
        }
    }

    private void turnAway(List<Waiter<I, O>> waiters, Refusal refusal) {
        queued.addAndGet(-waiters.size());
        waiters.forEach(waiter -> waiter.answer(flush.refused(refusal)));
    }

    /** How many wait now. */
    public int queued() {
        return queued.get();
    }

    /** Refuses those that have waited too long. To be called every so often, for the time when nothing else happens. */
    public void expire() {
        drain();
    }

    /**
     * Stops admitting, waits until the last batch has completed and nobody waits, and closes the flush.
     *
     * @param patience how long this may take; what is left by then is logged and let go
     * @param closed called once, in any case
     */
    public void close(Duration patience, Runnable closed) {
        closing = true;
        drain();
        // Whoever called expire() may have stopped before.
        Flux.interval(CLOSING_TICK)
                .takeUntilOther(emptied.asMono())
                .take(patience)
                .subscribe(tick -> drain());
        emptied.asMono()
                .then(Mono.defer(flush::close))
                .timeout(patience)
                .doFinally(signal -> closed.run())
                .subscribe(nothing -> {}, this::notClosed, () -> log.info("The {} closed with nothing left", name));
    }

    private void notClosed(Throwable failure) {
        log.error(
                "The {} closed with {} waiting and {} in flight: {}",
                name,
                queued(),
                inFlight ? "a batch" : "nothing",
                failure.toString());
    }

    private void drain() {
        if (drains.getAndIncrement() != 0) {
            return;
        }
        int missed = 1;
        do {
            refuseLate();
            if (!inFlight && !awaitsMore()) {
                next();
            }
            missed = drains.addAndGet(-missed);
        } while (missed != 0);
    }

    private void next() {
        List<Waiter<I, O>> batch = cut();
        if (!batch.isEmpty()) {
            learn(batch.size());
            inFlight = true;
            cutNanos = nanoClock.getAsLong();
            Mono.defer(() -> flushed(batch))
                    .subscribe(nothing -> {}, failure -> failed(batch, failure), () -> completed(batch));
            return;
        }
        awaited = 0;
        if (closing && queued.get() == 0) {
            emptied.tryEmitEmpty();
        }
    }

    /** Inside the subscription, where whatever throws fails this batch and not the drain. */
    private Mono<Void> flushed(List<Waiter<I, O>> batch) {
        batch.forEach(waiter -> observer.waited(cutNanos - waiter.sinceNanos()));
        return flush.flush(batch);
    }

    private void refuseLate() {
        long now = nanoClock.getAsLong();
        long waitMaxNanos = limits.waitMax().toNanos();
        for (Waiter<I, O> head = queue.peek();
                head != null && now - head.sinceNanos() > waitMaxNanos;
                head = queue.peek()) {
            queue.remove();
            queued.decrementAndGet();
            head.answer(flush.refused(flush.storeAnswers() ? new Overloaded() : new StoreUnavailable()));
        }
    }

    private List<Waiter<I, O>> cut() {
        List<Waiter<I, O>> batch = new ArrayList<>(Math.min(limits.batchMax(), Math.max(queued.get(), 1)));
        while (batch.size() < limits.batchMax()) {
            Waiter<I, O> waiter = queue.poll();
            if (waiter == null) {
                break;
            }
            batch.add(waiter);
        }
        queued.addAndGet(-batch.size());
        return batch;
    }

    private void failed(List<Waiter<I, O>> batch, Throwable failure) {
        log.error("A batch of {} failed in a way that nobody foresaw", name, failure);
        completed(batch);
    }

    private void completed(List<Waiter<I, O>> batch) {
        for (Waiter<I, O> waiter : batch) {
            if (!waiter.answered()) {
                waiter.answer(flush.abandoned());
            }
        }
        awaitReturnOf(batch.size());
        inFlight = false;
        drain();
    }

    private void awaitReturnOf(int answered) {
        long now = nanoClock.getAsLong();
        long took = now - cutNanos;
        int waiting = queued.get();
        if (notWaitedAfter > 0) {
            notWaitedAfter--;
        } else if (flush.commits() && isSlow(took) && waiting + answered >= CROWD_MIN && waiting < limits.batchMax()) {
            long nanos = Math.min(took / 2, RETURN_MAX_NANOS);
            awaited = waiting + answered;
            enough = waiting + answered - answered / 4;
            awaitedUntilNanos = now + nanos;
            Mono.delay(Duration.ofNanos(nanos)).subscribe(over -> drain());
        }
    }

    private static boolean isSlow(long tookNanos) {
        return tookNanos >= SLOW_NANOS && tookNanos <= TROUBLE_NANOS;
    }

    private boolean awaitsMore() {
        return queued.get() < Math.min(awaited, limits.batchMax())
                && nanoClock.getAsLong() - awaitedUntilNanos < 0
                && !closing;
    }

    /** Whether it was worth waiting. */
    private void learn(int came) {
        if (awaited > 0) {
            boolean worthIt = came >= Math.min(enough, limits.batchMax());
            fruitless = worthIt ? 0 : Math.min(fruitless + 1, FRUITLESS_MAX);
            notWaitedAfter = worthIt ? 0 : 1 << fruitless;
            awaited = 0;
        }
    }
}
