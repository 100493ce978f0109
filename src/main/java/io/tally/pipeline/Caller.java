package io.tally.pipeline;

import java.util.Arrays;
import java.util.List;
import java.util.concurrent.Executor;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Consumer;
import reactor.core.publisher.MonoSink;

/** Whoever asked, who is answered on the thread that they asked on. */
record Caller<T>(MonoSink<T> sink, Executor thread) implements Consumer<T> {

    @Override
    public void accept(T answer) {
        try {
            thread.execute(() -> sink.success(answer));
        } catch (RejectedExecutionException stopped) {
            sink.success(answer);
        }
    }

    /** Collects the answers to several requests, and gives them at once in the order of the requests. */
    static final class Joint<O> {

        private final Caller<List<O>> caller;
        private final O[] answers;
        private final AtomicInteger missing;

        @SuppressWarnings("unchecked") // nobody sees the array
        Joint(Caller<List<O>> caller, int requests) {
            this.caller = caller;
            this.answers = (O[]) new Object[requests];
            this.missing = new AtomicInteger(requests);
        }

        /** Where the answer to one of them goes. */
        Consumer<O> place(int request) {
            return answer -> {
                answers[request] = answer;
                if (missing.decrementAndGet() == 0) {
                    caller.accept(Arrays.asList(answers));
                }
            };
        }
    }
}
