package io.tally.job;

/**
 * A job that one instance owns by a lease.
 *
 * @param job as the last step left it
 * @param number which of all claims on the job this is; a later one ends this
 * @param reached where the next step begins, in terms of its kind; empty before the first
 */
public record Claim(Job job, long number, String reached) {

    /** Whether no step is done yet. */
    boolean isFresh() {
        return reached.isEmpty();
    }
}
