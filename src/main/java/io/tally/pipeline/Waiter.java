package io.tally.pipeline;

import java.util.function.Consumer;

/**
 * Somebody who waits in a lane: what they asked for, and where the answer goes. The first answer counts; one given after
 * the caller has gone is dropped.
 */
public final class Waiter<I, O> {

    private final I request;
    private final Consumer<O> caller;
    private final long sinceNanos;
    private boolean answered;

    Waiter(I request, Consumer<O> caller, long sinceNanos) {
        this.request = request;
        this.caller = caller;
        this.sinceNanos = sinceNanos;
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

    /** Answers; calls after the first do nothing. */
    public void answer(O outcome) {
        if (!answered) {
            answered = true;
            caller.accept(outcome);
        }
    }
}
