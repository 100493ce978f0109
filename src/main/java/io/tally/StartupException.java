package io.tally;

/** The reason why the service refuses to start. The process prints both texts and exits with status 1. */
public final class StartupException extends RuntimeException {

    private static final long serialVersionUID = 1L;

    private final String action;

    /**
     * A refusal.
     *
     * @param description what is wrong: the key, the value found unless it is a secret, and the rule
     * @param action what the operator must do
     */
    public StartupException(String description, String action) {
        super(description);
        this.action = action;
    }

    String action() {
        return action;
    }
}
