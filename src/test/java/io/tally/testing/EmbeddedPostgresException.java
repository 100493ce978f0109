package io.tally.testing;

/** An embedded PostgreSQL that cannot be had; the message says what failed, what was printed, and what to do. */
public final class EmbeddedPostgresException extends RuntimeException {

    EmbeddedPostgresException(String whatFailed, String details, String whatToDo) {
        super(message(whatFailed, details, whatToDo));
    }

    EmbeddedPostgresException(String whatFailed, Throwable cause, String whatToDo) {
        super(message(whatFailed, cause.toString(), whatToDo), cause);
    }

    private static String message(String whatFailed, String details, String whatToDo) {
        String indented =
                details.isBlank() ? "" : "\n" + details.strip().indent(4).stripTrailing();
        return whatFailed + indented + "\n" + whatToDo;
    }
}
