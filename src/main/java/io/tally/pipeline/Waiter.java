package io.tally.pipeline;

import java.util.concurrent.Executor;
import java.util.concurrent.RejectedExecutionException;
import reactor.core.publisher.MonoSink;

/**
 * Somebody who waits in a lane: what they asked for, and where the answer goes. The first answer counts; one given after
 * the caller has gone is dropped.
 */
public final class Waiter<I, O> {

    private final I request;
    private final MonoSink<O> sink;
    private final long sinceNanos;
    private final Executor thread;
    private boolean answered;

    Waiter(I request, MonoSink<O> sink, long sinceNanos, Executor thread) {
        this.request = request;
        this.sink = sink;
        this.sinceNanos = sinceNanos;
        this.thread = thread;
    }

    /** What was asked for. */
    public I request() {
        return request;
    }

    /** When the wait began, on the lane's clock. */
    long sinceNanos() {
        return sinceNanos;
    }

    boolean answered() {
        return answered;
    }

    /** Answers, on the thread of the caller; calls after the first do nothing. */
    public void answer(O outcome) {
        if (!answered) {
            answered = true;
            try {
                thread.execute(() -> sink.success(outcome));
            } catch (RejectedExecutionException stopped) {
                sink.success(outcome);
            }
        }
    }
}
