package io.tally.lane;

import java.time.Duration;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Deque;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.Executor;
import java.util.concurrent.ThreadLocalRandom;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Function;
import java.util.function.LongSupplier;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import reactor.core.publisher.Mono;
import reactor.core.publisher.MonoSink;
import reactor.core.scheduler.Schedulers;

/**
 * The requests of one array or stream, submitted to their lanes in order. A lane applies the requests of one submission
 * in the order in which they were submitted, even where some are refused and retried. Submissions do not wait for
 * each other.
 *
 * <p>Safe for use by many threads, as long as blocks are subscribed to one after the other.
 */
public final class OrderedSubmission<I, O> {
    /*
     * Order on a lane
     *
     * A lane takes the requests of a submission in parts, and keeps their order while it takes them. A part that finds
     * no room in the queue waits here, and all later parts wait behind it. A request that the lane took and refused (it
     * waited too long, or the database is unavailable) refuses the later ones of the same RequestSequence. When all
     * parts that the lane took are answered, the refused requests go in front of the waiting ones, and all are
     * submitted again in order under a new sequence.
     *
     * Room
     *
     * A lane has room again when it cuts a batch, which is about when it answers the batch before. So a single waiting
     * submission checks for room whenever one of its parts is answered, and the queue does not run empty. If several
     * submissions did so, those with parts in the queue would take all room. So each of them checks again after a
     * pause, and all have the same chance.
     *
     * One event at a time
     *
     * Blocks come from the caller's thread, outcomes from lanes, and the end of a pause from a timer. Events are
     * queued, and the thread that finds the queue idle processes it (like Lane.drain), so one thread at a time uses the
     * state below.
     */

    private static final Logger log = LoggerFactory.getLogger(OrderedSubmission.class);

    /** About the time until a lane has room again. */
    private static final Duration PAUSE_MIN = Duration.ofMillis(5);

    private static final Duration PAUSE_MAX = Duration.ofMillis(500);

    /** A check of the queue is cheap, and a longer pause would leave the room to others. */
    private static final Duration ROOM_PAUSE_MAX = Duration.ofMillis(20);

    private final Function<I, Lane<I, O>> laneOf;
    private final RetryPolicy<O> retry;
    private final Executor caller;
    private final LongSupplier nanoClock;
    private final IdentityHashMap<Lane<I, O>, Channel> channels = new IdentityHashMap<>();
    private final Queue<Runnable> events = new ConcurrentLinkedQueue<>();
    private final AtomicInteger pending = new AtomicInteger();
    private final Deque<Block> open = new ArrayDeque<>();
    private volatile boolean cancelled;

    /** Decides which outcomes are retried: only outcomes that guarantee that nothing was applied. */
    @FunctionalInterface
    public interface RetryPolicy<O> {

        /**
         * Whether to resubmit a request with that outcome.
         *
         * @param nanos the time since its first submission, or, if longer, the time for which its lane has refused the
         *     requests of this submission. So a lane that stays unavailable does not delay each block anew
         */
        boolean retries(O outcome, long nanos);

        /** No outcome is retried. */
        static <O> RetryPolicy<O> never() {
            return (outcome, nanos) -> false;
        }
    }

    /**
     * A submission without requests.
     *
     * @param caller the executor on which the blocks complete
     */
    public OrderedSubmission(
            Function<I, Lane<I, O>> laneOf, RetryPolicy<O> retry, Executor caller, LongSupplier nanoClock) {
        this.laneOf = laneOf;
        this.retry = retry;
        this.caller = caller;
        this.nanoClock = nanoClock;
    }

    /**
     * Submits a block of requests on subscription, and emits their outcomes together, in their order. Fails only if
     * this class has a defect, and then all open blocks fail. Cancelling a block ends the whole submission: requests
     * that no lane has accepted by then are never applied.
     */
    public Mono<List<O>> submit(List<I> requests) {
        return requests.isEmpty()
                ? Mono.just(List.of())
                : Mono.create(sink -> {
                    sink.onCancel(() -> cancelled = true);
                    Block block = new Block(requests.size(), sink, nanoClock.getAsLong());
                    handle(() -> enter(block, requests));
                });
    }

    private void handle(Runnable event) {
        events.add(event);
        if (pending.getAndIncrement() != 0) {
            return;
        }
        do {
            run(events.remove());
        } while (pending.decrementAndGet() != 0);
    }

    private void run(Runnable event) {
        try {
            event.run();
        } catch (Throwable failure) {
            fail(failure);
        }
    }

    private void fail(Throwable failure) {
        try {
            cancelled = true;
            log.error("Unexpected failure in the submission of an array or stream", failure);
            open.forEach(block -> block.sink.error(failure));
            open.clear();
        } catch (Throwable again) {
            // Logging may fail for lack of memory, and the next event must still be handled.
        }
    }

    private void handleOnCaller(Runnable event) {
        new ResponseSink<Runnable>(this::handle, caller).accept(event);
    }

    private void enter(Block block, List<I> requests) {
        open.add(block);
        for (int i = 0; i < requests.size(); i++) {
            I request = requests.get(i);
            channel(laneOf.apply(request)).add(block, i, request);
        }
        channels.values().forEach(Channel::send);
    }

    private Channel channel(Lane<I, O> lane) {
        Channel known = channels.get(lane);
        if (known != null) {
            return known;
        }
        Channel channel = new Channel(lane);
        channels.put(lane, channel);
        return channel;
    }

    /** Requests whose outcomes are emitted together. */
    private final class Block {

        private final O[] outcomes;
        private final MonoSink<List<O>> sink;
        private final long sinceNanos;
        private int missing;

        @SuppressWarnings("unchecked") // only its elements are handed out
        Block(int requests, MonoSink<List<O>> sink, long sinceNanos) {
            this.outcomes = (O[]) new Object[requests];
            this.sink = sink;
            this.sinceNanos = sinceNanos;
            this.missing = requests;
        }

        void take(int index, O outcome) {
            outcomes[index] = outcome;
            missing--;
            if (missing == 0) {
                // It is nearly always the first element.
                open.remove(this);
                sink.success(Arrays.asList(outcomes));
            }
        }
    }

    /** Requests of one block that a lane takes or refuses together. */
    private final class Part {

        private final Block block;
        private List<Integer> indexes = new ArrayList<>();
        private List<I> requests = new ArrayList<>();

        Part(Block block) {
            this.block = block;
        }

        void add(int index, I request) {
            indexes.add(index);
            requests.add(request);
        }

        /**
         * Passes the final outcomes to the block. The requests to retry stay in this part.
         *
         * @param nanos see {@link RetryPolicy#retries}
         */
        void take(List<O> outcomes, long nanos) {
            List<Integer> openIndexes = new ArrayList<>(0);
            List<I> openRequests = new ArrayList<>(0);
            for (int i = 0; i < outcomes.size(); i++) {
                if (retry.retries(outcomes.get(i), nanos)) {
                    openIndexes.add(indexes.get(i));
                    openRequests.add(requests.get(i));
                } else {
                    block.take(indexes.get(i), outcomes.get(i));
                }
            }
            indexes = openIndexes;
            requests = openRequests;
        }

        void takeAll(O outcome) {
            indexes.forEach(index -> block.take(index, outcome));
        }
    }

    /** The parts for one lane. */
    private final class Channel {

        private final Lane<I, O> lane;
        private final Deque<Part> waiting = new ArrayDeque<>();
        /** The parts that the lane accepted under the current sequence, without those with final outcomes. */
        private final Deque<Part> taken = new ArrayDeque<>();

        private RequestSequence<O> sequence = new RequestSequence<>();
        private int unanswered;
        private boolean refused;
        private boolean pausing;
        private boolean waitsForRoom;
        private boolean looksAgain;
        private long pauseMillis = PAUSE_MIN.toMillis();

        /** The submission of the first part that the lane refused without applying one since; null if it applies. */
        private @Nullable Long refusedSinceNanos;

        Channel(Lane<I, O> lane) {
            this.lane = lane;
        }

        void add(Block block, int index, I request) {
            Part last = waiting.peekLast();
            if (last == null || last.block != block || last.requests.size() == lane.togetherMax()) {
                last = new Part(block);
                waiting.add(last);
            }
            last.add(index, request);
        }

        void send() {
            if (cancelled) {
                waiting.clear();
            }
            while (!waiting.isEmpty() && !refused && !pausing) {
                Part part = waiting.getFirst();
                if (lane.offer(part.requests, sequence, outcomes -> handleOnCaller(() -> answered(part, outcomes)))) {
                    taken.add(waiting.removeFirst());
                    unanswered++;
                } else if (retry.retries(lane.overloaded(), nanoClock.getAsLong() - part.block.sinceNanos)) {
                    waitsForRoom(true);
                    lookAgain();
                    return;
                } else {
                    waiting.forEach(behind -> behind.takeAll(lane.overloaded()));
                    waiting.clear();
                }
            }
            waitsForRoom(false);
        }

        private void waitsForRoom(boolean waits) {
            if (waits != waitsForRoom) {
                waitsForRoom = waits;
                lane.addRoomWaiters(waits ? 1 : -1);
            }
        }

        private void lookAgain() {
            if (!looksAgain) {
                looksAgain = true;
                after(ROOM_PAUSE_MAX.toMillis(), () -> {
                    looksAgain = false;
                    send();
                });
            }
        }

        private void answered(Part part, List<O> outcomes) {
            unanswered--;
            long since = refusedSinceNanos == null
                    ? part.block.sinceNanos
                    : Math.min(refusedSinceNanos, part.block.sinceNanos);
            part.take(outcomes, nanoClock.getAsLong() - since);
            refused |= sequence.refusal() != null || !part.requests.isEmpty();
            refusedSinceNanos = refused ? Long.valueOf(since) : null;
            if (part.requests.isEmpty()) {
                // It is nearly always the first element.
                taken.remove(part);
            }
            if (refused && unanswered == 0) {
                submitAgain();
            } else if (!refused) {
                pauseMillis = PAUSE_MIN.toMillis();
                if (waitsForRoom && lane.roomWaiters() == 1) {
                    send();
                }
            }
        }

        private void submitAgain() {
            while (!taken.isEmpty()) {
                waiting.addFirst(taken.removeLast());
            }
            sequence = new RequestSequence<>();
            refused = false;
            pause();
        }

        /** Twice as long each time. */
        private void pause() {
            pausing = true;
            pauseMillis = Math.min(2 * pauseMillis, PAUSE_MAX.toMillis());
            after(pauseMillis, () -> {
                pausing = false;
                send();
            });
        }

        /** With jitter, so that submissions refused together do not retry together. */
        private void after(long millis, Runnable event) {
            long jittered = ThreadLocalRandom.current().nextLong(millis / 2, millis + 1);
            Schedulers.parallel().schedule(() -> handleOnCaller(event), jittered, TimeUnit.MILLISECONDS);
        }
    }
}
