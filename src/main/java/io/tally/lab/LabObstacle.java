package io.tally.lab;

/** A reason why the lab cannot run, in a sentence for the client. Carries no stack trace. */
public final class LabObstacle extends RuntimeException {

    private static final long serialVersionUID = 1L;

    /** An obstacle. The message says how to remove it. */
    public LabObstacle(String message) {
        super(message, null, false, false);
    }
}
