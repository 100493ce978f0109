package io.tally.lane;

import java.util.concurrent.Executor;

/**
 * Finds the thread on which a caller gets its outcome: the thread on which it submitted. A lane passes on the outcomes
 * of a batch and starts the next batch at once. So the threads that serve the callers write the responses.
 */
public interface CallerExecutor {

    /** Answers on the thread that completes the batch. */
    CallerExecutor ANY = () -> Runnable::run;

    /** Runs tasks on the thread that calls this method. */
    Executor current();
}
