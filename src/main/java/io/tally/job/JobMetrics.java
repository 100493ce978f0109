package io.tally.job;

/** What the worker tells whoever measures it. Called from many threads: cheap, and never blocking. */
public interface JobMetrics {

    /** This instance has taken on a job, or let go of it. */
    void running(boolean runs);

    /** This instance has done the last step of a job. */
    void done();

    /** This instance has found that a job cannot succeed. */
    void failed();
}
