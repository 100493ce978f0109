package io.tally.counter;

/** What moves a counter: deltas, or members that come and go. */
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
     * The kind of that label.
     *
     * @throws IllegalArgumentException where there is none
     */
    public static Kind of(String label) {
        return switch (label) {
            case "plain" -> PLAIN;
            case "members" -> MEMBERS;
            default -> throw new IllegalArgumentException("No kind of counter: " + label);
        };
    }
}
