package io.tally.lane;

import java.util.concurrent.Executor;

/**
 * Finds the thread on which a caller is answered: the one it submitted on. A lane that knows the outcomes of a batch
 * hands them over and starts the next batch at once; writing the responses is the work of the threads that serve the
 * callers.
 */
public interface CallerExecutor {

    /** Answers on the thread that completes the batch. */
    CallerExecutor ANY = () -> Runnable::run;

    /** Runs tasks on the thread that calls this method. */
    Executor current();
}
