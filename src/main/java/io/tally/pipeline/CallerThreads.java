package io.tally.pipeline;

import java.util.concurrent.Executor;

/**
 * Where callers are answered: each on the thread it asked on. A lane that has learnt what became of a batch hands out the
 * answers and goes on with the next batch at once; writing the responses is the work of the threads that serve the callers.
 */
public interface CallerThreads {

    /** Answers on whatever thread completes a batch. */
    CallerThreads ANY = () -> Runnable::run;

    /** What runs tasks on the thread that calls this. */
    Executor current();
}
