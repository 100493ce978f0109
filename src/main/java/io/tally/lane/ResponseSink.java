package io.tally.lane;

import java.util.Arrays;
import java.util.List;
import java.util.concurrent.Executor;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Consumer;

/**
 * A consumer of outcomes that is called on the thread of the caller, or on the thread that has the outcome after that
 * stopped.
 */
record ResponseSink<T>(Consumer<T> sink, Executor thread) implements Consumer<T> {

    @Override
    public void accept(T outcome) {
        try {
            thread.execute(() -> sink.accept(outcome));
        } catch (RejectedExecutionException stopped) {
            sink.accept(outcome);
        }
    }

    /** Collects the outcomes of several requests, and emits them together in the order of the requests. */
    static final class Joint<O> {

        private final Consumer<List<O>> caller;
        private final O[] outcomes;
        private final AtomicInteger missing;

        @SuppressWarnings("unchecked") // the array is never handed out
        Joint(Consumer<List<O>> caller, int requests) {
            this.caller = caller;
            this.outcomes = (O[]) new Object[requests];
            this.missing = new AtomicInteger(requests);
        }

        /** The consumer of one of the outcomes. */
        Consumer<O> place(int request) {
            return outcome -> {
                outcomes[request] = outcome;
                if (missing.decrementAndGet() == 0) {
                    caller.accept(Arrays.asList(outcomes));
                }
            };
        }
    }
}
