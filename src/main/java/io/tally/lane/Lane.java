package io.tally.lane;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.Executor;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Consumer;
import java.util.function.LongSupplier;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import reactor.core.publisher.BaseSubscriber;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;
import reactor.core.publisher.Sinks;

/**
 * A bounded queue that has one batch in flight at most. {@link #submit} may be called from any thread; each caller is
 * answered on its own thread. Cancelling the returned {@code Mono} drops the outcome, not the request.
 */
public final class Lane<I, O> {
    /*
     * Smart batching
     *
     * While a batch is in flight, requests queue up; when it completes, they are the next batch. No timer decides: an
     * idle lane sends a single request at once, a busy lane sends large batches, and the batch size adapts to the load.
     * (Martin Thompson described it under that name in 2011; a database's group commit does the same for fsync.)
     *
     * An event loop handles all requests that it has read before it writes to most sockets. So an idle lane does not
     * cut its batch at the first of them, but in a task of that loop, after the last of them. That delays the first one
     * by the rest of this round of the loop at most.
     *
     * Waiting for returning callers
     *
     * Callers that wait for an answer before they send the next request fall into two groups that take turns: one is in
     * flight while the other is in the queue, so each batch has half of the possible size. With slow commits that
     * halves the throughput. So after a slow commit the lane waits until as many requests have arrived as it has just
     * answered, at most for half of the commit's time. If fewer than three quarters of them arrive, waiting saves
     * nothing: under an open load about half arrive in that time, and very many callers need longer. Then the lane
     * tries again after two batches, then after four, and so on.
     *
     * One drain at a time
     *
     * drain() may be called from any thread. A work-in-progress counter admits the first caller, which repeats the
     * drain for each caller that arrives meanwhile. So one thread at a time runs the drain, and no thread blocks. The
     * queue therefore has many producers and one consumer, and batches are cut in arrival order.
     *
     * The only subscriber
     *
     * A batch belongs to the lane, which subscribes to it here and nowhere else. A caller holds a sink only, so a
     * caller that disconnects cannot cancel a write that others wait for.
     *
     * Nothing stops a lane
     *
     * A handler, meter or caller that throws affects at most its own batch: the lane logs the failure, the requests of
     * the batch get an outcome, and the drain continues. This includes errors of the JVM, which Reactor throws instead
     * of signalling them, so a batch may never end: one that is in flight for longer than it can take is cancelled and
     * abandoned.
     */

    private static final Logger log = LoggerFactory.getLogger(Lane.class);

    private static final Duration CLOSING_TICK = Duration.ofMillis(250);

    /** A batch that took less time is on a fast disk, where waiting costs more than it saves. */
    private static final long SLOW_NANOS = Duration.ofMillis(1).toNanos();

    /** A batch that took longer met a failure, not a slow disk. */
    private static final long FAILURE_NANOS = Duration.ofMillis(100).toNanos();

    /** The longest wait for returning callers: half of what the batch took, and no more than this. */
    private static final long RETURN_MAX_NANOS = Duration.ofMillis(5).toNanos();

    /** With fewer callers, waiting does not pay. */
    private static final int CROWD_MIN = 4;

    /** The lane skips the wait after two to the power of this batches at most. */
    private static final int FRUITLESS_MAX = 7;

    private final String name;
    private final Limits limits;
    private final BatchHandler<I, O> handler;
    private final CallerExecutor callerExecutor;
    private final WaitObserver observer;
    private final LongSupplier nanoClock;

    private final BatchHandler.Refusals<O> refusals;
    private final @Nullable FlightLimit flights;

    private final Queue<PendingRequest<I, O>> queue = new ConcurrentLinkedQueue<>();
    private final AtomicInteger queued = new AtomicInteger();
    private final AtomicInteger drains = new AtomicInteger();
    private final AtomicInteger roomWaiters = new AtomicInteger();
    private final AtomicBoolean drainPlanned = new AtomicBoolean();
    private final Sinks.Empty<Void> emptied = Sinks.empty();
    private volatile @Nullable Batch inFlight;
    private volatile boolean closing;

    // The fields below belong to the thread that ends a batch, or that drains while no batch is in flight.
    private int awaited;
    private int enough;
    private long awaitedUntilNanos;
    private int fruitless;
    private int notWaitedAfter;

    /** An observer of the waiting times in the queue. */
    public interface WaitObserver {
        /** A request entered a batch after it had waited for that time. */
        void waited(long nanos);
    }

    /**
     * The limits of a lane.
     *
     * @param batchMax the maximum of requests in a batch
     * @param queueMax the maximum of waiting requests; the lane refuses further ones
     * @param waitMax the maximum waiting time; then the lane refuses the request
     * @param flightMax how long a batch may be in flight before it is cancelled and abandoned: longer than any batch
     *     whose handler keeps its own time-outs
     */
    public record Limits(int batchMax, int queueMax, Duration waitMax, Duration flightMax) {}

    /** An empty lane that shares no limit. */
    public Lane(
            String name,
            Limits limits,
            BatchHandler<I, O> handler,
            CallerExecutor callerExecutor,
            WaitObserver observer,
            LongSupplier nanoClock) {
        this(name, limits, handler, callerExecutor, observer, nanoClock, null);
    }

    /**
     * An empty lane.
     *
     * @param flights the limit that it shares with other lanes; {@code null} for none
     */
    public Lane(
            String name,
            Limits limits,
            BatchHandler<I, O> handler,
            CallerExecutor callerExecutor,
            WaitObserver observer,
            LongSupplier nanoClock,
            @Nullable FlightLimit flights) {
        this.name = name;
        this.limits = limits;
        this.handler = handler;
        this.callerExecutor = callerExecutor;
        this.observer = observer;
        this.nanoClock = nanoClock;
        this.refusals = handler.refusals();
        this.flights = flights;
    }

    /** Enters a request on each subscription: never put a retry above this. */
    public Mono<O> submit(I request) {
        return Mono.create(sink -> {
            Executor caller = callerExecutor.current();
            enter(
                    new PendingRequest<>(request, new ResponseSink<>(sink::success, caller), nanoClock.getAsLong()),
                    caller);
        });
    }

    private void enter(PendingRequest<I, O> pending, Executor caller) {
        // Counted before closing is read: a closing lane waits for all requests that it counted.
        int waiting = queued.incrementAndGet();
        if (closing) {
            turnAway(pending, refusals.unavailable());
            drain();
        } else if (waiting > limits.queueMax()) {
            turnAway(pending, refusals.overloaded());
        } else {
            queue.add(pending);
            drainAfterReading(caller);
        }
    }

    /** Drains at once if a batch is in flight, and otherwise when the thread of a caller has read what is ready. */
    private void drainAfterReading(Executor caller) {
        if (inFlight != null) {
            drain();
        } else if (drainPlanned.compareAndSet(false, true)) {
            try {
                caller.execute(this::plannedDrain);
            } catch (RejectedExecutionException stopped) {
                plannedDrain();
            }
        }
    }

    private void plannedDrain() {
        drainPlanned.set(false);
        drain();
    }

    private void turnAway(PendingRequest<I, O> pending, O refusal) {
        queued.decrementAndGet();
        pending.answer(refusal);
    }

    /**
     * Enters requests in their order, all or none. Requests that enter together may fill only half of the queue, so
     * that room is left for single requests.
     *
     * @param requests 1 to {@link #togetherMax}
     * @param sequence the lane keeps their order after those of the same sequence that it took before
     * @param outcomes gets the outcomes together, in the order of the requests, on the thread of the last outcome
     * @return whether there was room; otherwise no request enters
     */
    boolean offer(List<I> requests, RequestSequence<O> sequence, Consumer<List<O>> outcomes) {
        int size = requests.size();
        // Read first: submissions that wait for room ask often, and must not cause single requests to be refused.
        if (queued.get() + size > togetherMax()) {
            return false;
        }
        ResponseSink.Joint<O> joint = new ResponseSink.Joint<>(outcomes, size);
        long now = nanoClock.getAsLong();
        List<PendingRequest<I, O>> entering = new ArrayList<>(size);
        for (int i = 0; i < size; i++) {
            entering.add(new PendingRequest<>(requests.get(i), joint.place(i), now, sequence));
        }
        int waiting = queued.addAndGet(size);
        if (closing) {
            queued.addAndGet(-size);
            entering.forEach(pending -> pending.answer(refusals.unavailable()));
        } else if (waiting > togetherMax()) {
            queued.addAndGet(-size);
            return false;
        } else {
            queue.addAll(entering);
        }
        drain();
        return true;
    }

    /** The maximum of requests that can enter together. */
    int togetherMax() {
        return Math.max(limits.queueMax() / 2, 1);
    }

    /** Counts a submission that starts to wait for room (1) or stops waiting (-1). */
    void addRoomWaiters(int change) {
        roomWaiters.addAndGet(change);
    }

    /** The number of submissions that wait for room. */
    int roomWaiters() {
        return roomWaiters.get();
    }

    /** The outcome of a request that finds no room. */
    O overloaded() {
        return refusals.overloaded();
    }

    /** The name of the lane in logs and metrics. */
    public String name() {
        return name;
    }

    /** The number of waiting requests. */
    public int queued() {
        return queued.get();
    }

    /** The age of the batch in flight; zero without one. */
    public Duration batchAge() {
        Batch current = inFlight;
        return current == null ? Duration.ZERO : Duration.ofNanos(nanoClock.getAsLong() - current.cutNanos);
    }

    /**
     * Refuses the requests that have waited too long, and abandons a batch that is in flight for too long. Call this
     * periodically, since an idle lane does not check by itself.
     */
    public void expire() {
        Batch current = inFlight;
        if (current != null
                && nanoClock.getAsLong() - current.cutNanos > limits.flightMax().toNanos()) {
            current.abandon(new TimeoutException("in flight for more than " + limits.flightMax()));
        }
        // The task of a thread that stopped may be lost.
        plannedDrain();
    }

    /**
     * Stops admitting, waits until the last batch has completed and the queue is empty, and closes the handler.
     *
     * @param patience the time-out; the lane logs and abandons the requests that are left after it
     * @param closed called once, in any case
     */
    public void close(Duration patience, Runnable closed) {
        closing = true;
        drain();
        // The scheduler that calls expire() may have stopped before.
        Flux.interval(CLOSING_TICK)
                .takeUntilOther(emptied.asMono())
                .take(patience)
                .subscribe(tick -> drain());
        emptied.asMono()
                .then(Mono.defer(handler::close))
                .timeout(patience)
                .doFinally(signal -> closed.run())
                .subscribe(nothing -> {}, this::notClosed, () -> log.info("Drained and closed {}", name));
    }

    private void notClosed(Throwable failure) {
        log.error(
                "Closed {} before it was drained: {} waiting, {} in flight: {}",
                name,
                queued(),
                inFlight == null ? "nothing" : "a batch",
                failure.toString());
    }

    void drain() {
        if (drains.getAndIncrement() != 0) {
            return;
        }
        int missed = 1;
        do {
            survive(this::refuseLate);
            survive(this::next);
            missed = drains.addAndGet(-missed);
        } while (missed != 0);
    }

    private void survive(Runnable step) {
        try {
            step.run();
        } catch (Throwable failure) {
            report(failure);
        }
    }

    private void report(Throwable failure) {
        try {
            log.error("Unexpected failure in {}", name, failure);
        } catch (Throwable unlogged) {
            // Logging may fail for lack of memory, and the lane must continue.
        }
    }

    private void next() {
        if (inFlight != null || awaitsMore() || mustWait()) {
            return;
        }
        List<PendingRequest<I, O>> requests = cut();
        if (!requests.isEmpty()) {
            learn(requests.size());
            Batch batch = new Batch(requests, nanoClock.getAsLong());
            inFlight = batch;
            batch.begin();
            return;
        }
        leave();
        awaited = 0;
        if (closing && queued.get() == 0) {
            emptied.tryEmitEmpty();
        }
    }

    private boolean mustWait() {
        return flights != null && !queue.isEmpty() && !flights.enter(this);
    }

    private void leave() {
        if (flights != null) {
            flights.leave(this);
        }
    }

    private void refuseLate() {
        long now = nanoClock.getAsLong();
        long waitMaxNanos = limits.waitMax().toNanos();
        for (PendingRequest<I, O> head = queue.peek();
                head != null && now - head.sinceNanos() > waitMaxNanos;
                head = queue.peek()) {
            O refusal = handler.isAvailable() ? refusals.overloaded() : refusals.unavailable();
            queue.remove();
            queued.decrementAndGet();
            head.refuse(refusal);
        }
    }

    private List<PendingRequest<I, O>> cut() {
        List<PendingRequest<I, O>> batch = new ArrayList<>(Math.min(limits.batchMax(), Math.max(queued.get(), 1)));
        int polled = 0;
        try {
            for (PendingRequest<I, O> head = queue.peek();
                    head != null && batch.size() < limits.batchMax();
                    head = queue.peek()) {
                if (!head.refuseAfterEarlier()) {
                    batch.add(head);
                }
                queue.remove();
                polled++;
            }
        } finally {
            queued.addAndGet(-polled);
        }
        return batch;
    }

    /** The batch in flight. Ends once: when its handler has completed, or when the lane abandons it. */
    private final class Batch extends BaseSubscriber<Void> {

        private final List<PendingRequest<I, O>> requests;
        private final long cutNanos;
        private final AtomicBoolean ended = new AtomicBoolean();

        Batch(List<PendingRequest<I, O>> requests, long cutNanos) {
            this.requests = requests;
            this.cutNanos = cutNanos;
        }

        void begin() {
            survive(() -> requests.forEach(pending -> observer.waited(cutNanos - pending.sinceNanos())));
            try {
                Mono.defer(() -> handler.handle(requests)).subscribe(this);
            } catch (Throwable failure) {
                abandon(failure);
            }
        }

        void abandon(Throwable failure) {
            survive(this::cancel);
            end(failure);
        }

        @Override
        protected void hookOnComplete() {
            end(null);
        }

        @Override
        protected void hookOnError(Throwable failure) {
            end(failure);
        }

        private void end(@Nullable Throwable failure) {
            if (!ended.compareAndSet(false, true)) {
                return;
            }
            if (failure != null) {
                report(failure);
            }
            for (PendingRequest<I, O> pending : requests) {
                pending.answer(refusals.abandoned());
            }
            survive(() -> awaitReturnOf(this));
            inFlight = null;
            survive(Lane.this::leave);
            drain();
        }
    }

    private void awaitReturnOf(Batch ended) {
        int answered = ended.requests.size();
        long now = nanoClock.getAsLong();
        long took = now - ended.cutNanos;
        int waiting = queued.get();
        if (notWaitedAfter > 0) {
            notWaitedAfter--;
        } else if (handler.commits()
                && isSlow(took)
                && waiting + answered >= CROWD_MIN
                && waiting < limits.batchMax()) {
            long nanos = Math.min(took / 2, RETURN_MAX_NANOS);
            awaited = waiting + answered;
            enough = waiting + answered - answered / 4;
            awaitedUntilNanos = now + nanos;
            Mono.delay(Duration.ofNanos(nanos)).subscribe(over -> drain());
        }
    }

    private static boolean isSlow(long tookNanos) {
        return tookNanos >= SLOW_NANOS && tookNanos <= FAILURE_NANOS;
    }

    private boolean awaitsMore() {
        return queued.get() < Math.min(awaited, limits.batchMax())
                && nanoClock.getAsLong() - awaitedUntilNanos < 0
                && !closing;
    }

    /** Adapts the waiting to the number of requests that arrived. */
    private void learn(int came) {
        if (awaited > 0) {
            boolean worthIt = came >= Math.min(enough, limits.batchMax());
            fruitless = worthIt ? 0 : Math.min(fruitless + 1, FRUITLESS_MAX);
            notWaitedAfter = worthIt ? 0 : 1 << fruitless;
            awaited = 0;
        }
    }
}
