package io.tally.watch;

import io.micrometer.core.instrument.Counter;
import io.tally.http.Int64Form;
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
 * The stream of one client. It stores only the last sent state of each counter. When the client has demand, it compares
 * that with the current states and sends the differences. So a slow client misses intermediate states, and costs no
 * more than a fast one.
 */
final class WatchStream implements Runnable {
    /*
     * One drain at a time
     *
     * Every reason to send (a state, a heartbeat, demand of the client, the end) calls wake() from its own thread. A
     * work-in-progress counter lets the first call start a drain on the thread that serves the client. The drain
     * repeats for calls that arrive meanwhile. So one thread at a time runs this class, and no thread blocks.
     */

    private static final byte[] HEARTBEAT = {':', '\n', '\n'};

    private final List<WatchedCounter> counters;
    private final @Nullable State[] sent;
    private final long[] versions;
    private final boolean required;
    private final Int64Form form;
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
     * @param versions the client's version of each counter; 0 for none
     * @param required whether each counter must exist at the first poll
     * @param form of the numbers in the events
     * @param thread the executor that serves the client
     * @param events counts the sent events
     */
    WatchStream(
            List<WatchedCounter> counters,
            long[] versions,
            boolean required,
            Int64Form form,
            Executor thread,
            Counter events) {
        this.counters = counters;
        this.versions = versions;
        this.required = required;
        this.sent = new State[versions.length];
        this.form = form;
        this.thread = thread;
        this.events = events;
    }

    List<WatchedCounter> counters() {
        return counters;
    }

    /** Whether a required counter did not exist at the first poll. */
    boolean isAbsent() {
        return required
                && IntStream.range(0, sent.length)
                        .anyMatch(i -> sent[i] == null && counters.get(i).isAbsent());
    }

    /** Allows sending: the states of the counters are now no older than the stream. */
    void see() {
        seeing = true;
        wake();
    }

    /** Starts sending: the current states, or a heartbeat if the client has all of them. */
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

    /** Sends a heartbeat, unless the client has no demand. */
    void beat() {
        FluxSink<DataBuffer> sink = client;
        if (sink != null && sink.requestedFromDownstream() > 0) {
            beatDue = true;
            wake();
        }
    }

    /** Ends the stream without sending the remaining states. */
    void end() {
        ended = true;
        wake();
    }

    /** Drains on the client's thread, which is the current one. */
    private void drainHere() {
        if (drains.getAndIncrement() == 0) {
            run();
        }
    }

    /** Runs a drain; only {@link #wake} and its executor may call this. */
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
     * Continues after the last sent counter, so that each counter has its turn under low demand.
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
        // A client with an earlier stream sends only its version.
        return before == null ? versions[counter] != state.version() : before != state;
    }

    private DataBuffer event(int counter, State state) {
        versions[counter] = state.version();
        return versions.length == 1 ? state.event(form) : state.event(form, id());
    }

    private String id() {
        return LongStream.of(versions).mapToObj(Long::toString).collect(Collectors.joining(","));
    }
}
