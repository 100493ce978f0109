package io.tally.job;

/**
 * A job that one instance owns by a lease.
 *
 * @param job the state after the last step
 * @param number the sequence number of the claim on the job; a later claim fences this one
 * @param reached the start of the next step, in terms of its kind; empty before the first
 */
public record Claim(Job job, long number, String reached) {

    /** Whether no step is done yet. */
    boolean isFresh() {
        return reached.isEmpty();
    }
}
