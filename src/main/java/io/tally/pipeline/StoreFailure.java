package io.tally.pipeline;

/** A statement that did not succeed, in terms of what it means for the batch. Carries no stack trace of its own. */
public final class StoreFailure extends RuntimeException {

    private static final long serialVersionUID = 1L;

    /** What is known of the batch, and what to do. */
    public enum Kind {
        /** Rolled back by the database to settle a conflict: send the same again. */
        CONFLICT,
        /** Rolled back because of one of its operations: find out which. */
        BAD_OPERATION,
        /** The same, because the database's encoding lacks a character of a text: nothing in it has that text. */
        UNSTORABLE,
        /** Rolled back, or never sent, because the writer's row is not as the fence says: use a new writer. */
        FENCED,
        /** Never sent: no connection could be had. */
        UNAVAILABLE,
        /** Never sent: too many wait for a connection. */
        BUSY,
        /** Sent, and no answer came: ask the writer's row. */
        UNKNOWN,
        /** Refused for a reason that sending again does not mend. */
        FATAL
    }

    /** Why a batch is sent again: the label of the meter. */
    public enum Cause {
        /** SQLSTATE 40001. */
        SERIALIZATION("serialization"),
        /** SQLSTATE 40P01. */
        DEADLOCK("deadlock"),
        /** SQLSTATE 55P03. */
        LOCK_TIMEOUT("lock-timeout"),
        /** SQLSTATE 23505. */
        KEY_RACE("key-race"),
        /** Everything else that sending again may mend. */
        CONNECTION("connection");

        private final String label;

        Cause(String label) {
            this.label = label;
        }

        /** The value of the label. */
        public String label() {
            return label;
        }
    }

    private final Kind kind;
    private final Cause reason;

    /** A failure of that kind; {@code cause} is the driver's own. */
    public StoreFailure(Kind kind, Cause reason, String message, Throwable cause) {
        super(message, cause, false, false);
        this.kind = kind;
        this.reason = reason;
    }

    /** A failure that the store found itself. */
    public StoreFailure(Kind kind, Cause reason, String message) {
        super(message, null, false, false);
        this.kind = kind;
        this.reason = reason;
    }

    /** What is known. */
    public Kind kind() {
        return kind;
    }

    /** Why it is sent again, where it is. */
    public Cause reason() {
        return reason;
    }

    /** Whether the database refused one of several operations, and would not refuse the others. */
    public boolean isRefusal() {
        return kind == Kind.BAD_OPERATION || kind == Kind.UNSTORABLE;
    }

    /** Whether a text was asked for, or was to be stored, that the database cannot hold. */
    public static boolean isUnstorable(Throwable failure) {
        return failure instanceof StoreFailure known && known.kind == Kind.UNSTORABLE;
    }

    /** Whether nothing was applied and sending again may help. */
    boolean mayBeSentAgain() {
        return switch (kind) {
            case CONFLICT, FENCED, UNAVAILABLE, BUSY -> true;
            case BAD_OPERATION, UNSTORABLE, UNKNOWN, FATAL -> false;
        };
    }
}
