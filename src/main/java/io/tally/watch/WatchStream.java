package io.tally.watch;

import io.micrometer.core.instrument.Counter;
import java.util.List;
import java.util.concurrent.Executor;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import java.util.stream.LongStream;
import org.jspecify.annotations.Nullable;
import org.springframework.core.io.buffer.DataBuffer;
import org.springframework.core.io.buffer.DefaultDataBufferFactory;
import reactor.core.publisher.FluxSink;

/**
 * One client's stream. It keeps, for each counter, which state it sent last, and nothing else: what is to be sent is
 * found by looking at what the counters are now, when the client can take it. So a slow client misses states in
 * between, and costs no more than a fast one.
 */
final class WatchStream implements Runnable {
    /*
     * One drain at a time
     *
     * Every reason to send (a state, a heartbeat, room at the client, the end) calls wake() from its own thread. A
     * work-in-progress counter has the first call start a drain on the thread that serves the client, and has that
     * drain go round again for the calls that came meanwhile. So this class has one thread at a time, and no thread
     * waits.
     */

    private static final byte[] HEARTBEAT = {':', '\n', '\n'};

    private final List<WatchedCounter> counters;
    private final @Nullable State[] sent;
    private final long[] versions;
    private final boolean required;
    private final Executor thread;
    private final Counter events;
    private final AtomicInteger drains = new AtomicInteger();
    private volatile @Nullable FluxSink<DataBuffer> client;
    private volatile boolean seeing;
    private volatile boolean beatDue;
    private volatile boolean ended;
    private int next;

    /**
     * A stream whose client is not attached yet.
     *
     * @param versions those the client has, for each counter; 0: it knows of none
     * @param required whether each counter has to exist when the stream first sees it
     * @param thread the one that serves the client
     * @param events counts what is sent
     */
    WatchStream(List<WatchedCounter> counters, long[] versions, boolean required, Executor thread, Counter events) {
        this.counters = counters;
        this.versions = versions;
        this.required = required;
        this.sent = new State[versions.length];
        this.thread = thread;
        this.events = events;
    }

    List<WatchedCounter> counters() {
        return counters;
    }

    /** Whether a required counter does not exist, and was not seen before. */
    boolean isAbsent() {
        return required
                && IntStream.range(0, sent.length)
                        .anyMatch(i -> sent[i] == null && counters.get(i).isAbsent());
    }

    /** Has the states of its counters sent from now on: they are no older than the stream. */
    void see() {
        seeing = true;
        wake();
    }

    /** Begins to send, with the states as they are, or a heartbeat where the client has them all. */
    void attach(FluxSink<DataBuffer> sink) {
        client = sink;
        beatDue = true;
        sink.onRequest(room -> drainHere());
        drainHere();
    }

    /** Sends new states, if there are any. */
    void wake() {
        if (drains.getAndIncrement() == 0) {
            try {
                thread.execute(this);
            } catch (RejectedExecutionException stopped) {
                run();
            }
        }
    }

    /** Has a heartbeat sent, unless the client takes nothing now. */
    void beat() {
        FluxSink<DataBuffer> sink = client;
        if (sink != null && sink.requestedFromDownstream() > 0) {
            beatDue = true;
            wake();
        }
    }

    /** Ends the stream, without what is left to send. */
    void end() {
        ended = true;
        wake();
    }

    /** On the client's thread already. */
    private void drainHere() {
        if (drains.getAndIncrement() == 0) {
            run();
        }
    }

    /** A drain; only {@link #wake} and its executor may call this. */
    @Override
    public void run() {
        int missed = 1;
        do {
            FluxSink<DataBuffer> sink = client;
            if (sink != null && !sink.isCancelled()) {
                send(sink);
            }
            missed = drains.addAndGet(-missed);
        } while (missed != 0);
    }

    private void send(FluxSink<DataBuffer> sink) {
        if (ended || (seeing && isAbsent())) {
            sink.complete();
            return;
        }
        long sentCount = seeing ? sendStates(sink) : 0;
        if (sentCount > 0) {
            beatDue = false;
            events.increment((double) sentCount);
        } else if (beatDue && sink.requestedFromDownstream() > 0) {
            beatDue = false;
            sink.next(DefaultDataBufferFactory.sharedInstance.wrap(HEARTBEAT));
        }
    }

    /**
     * Continues with the counter after the last one: where demand is low, each counter has its turn.
     */
    private long sendStates(FluxSink<DataBuffer> sink) {
        long sentCount = 0;
        for (int i = 0; i < versions.length && sink.requestedFromDownstream() > 0; i++) {
            State state = counters.get(next).state();
            if (state != null && isNews(next, state)) {
                sink.next(event(next, state));
                sentCount++;
            }
            next = (next + 1) % versions.length;
        }
        return sentCount;
    }

    private boolean isNews(int counter, State state) {
        State before = sent[counter];
        sent[counter] = state;
        // Of an earlier stream, the client sends only the version it has.
        return before == null ? versions[counter] != state.version() : before != state;
    }

    private DataBuffer event(int counter, State state) {
        versions[counter] = state.version();
        return versions.length == 1 ? state.event() : state.event(id());
    }

    private String id() {
        return LongStream.of(versions).mapToObj(Long::toString).collect(Collectors.joining(","));
    }
}
