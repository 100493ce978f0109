package io.tally.counter;

/** The kind of a counter: it counts deltas or members. */
public enum Kind {
    /** Moved by increments. */
    PLAIN("plain"),
    /** Counts its distinct members. */
    MEMBERS("members");

    private final String label;

    Kind(String label) {
        this.label = label;
    }

    /** The name in JSON and in the database. */
    public String label() {
        return label;
    }

    /**
     * The kind with that label.
     *
     * @throws IllegalArgumentException if there is none
     */
    public static Kind of(String label) {
        return switch (label) {
            case "plain" -> PLAIN;
            case "members" -> MEMBERS;
            default -> throw new IllegalArgumentException("No kind of counter: " + label);
        };
    }
}
