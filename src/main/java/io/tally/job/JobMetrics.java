package io.tally.job;

/** What the worker tells whoever measures it. Called from many threads: cheap, and never blocking. */
public interface JobMetrics {

    /** This instance has taken on a job, or let go of it. */
    void running(boolean runs);

    /** This instance has seen a job to its end. */
    void finished(Job.State state);
}
