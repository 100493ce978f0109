package io.tally.watch;

/** What streams tell whoever measures them. Called from many threads: cheap, and never blocking. */
public interface WatchMetrics {

    /** So many events were sent. */
    void events(long count);
}
