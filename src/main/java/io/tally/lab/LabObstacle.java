package io.tally.lab;

/** What keeps the lab from trying anything, in a sentence for whoever asked. Carries no stack trace. */
public final class LabObstacle extends RuntimeException {

    private static final long serialVersionUID = 1L;

    /** An obstacle, and what would remove it. */
    public LabObstacle(String message) {
        super(message, null, false, false);
    }
}
