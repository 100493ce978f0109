package io.tally.pipeline;

import org.jspecify.annotations.Nullable;

/** The failure of a statement, classified by its meaning for the batch. Has no stack trace of its own. */
public final class StoreFailure extends RuntimeException {

    private static final long serialVersionUID = 1L;

    /** The known state of the batch, and the reaction. */
    public enum Kind {
        /** Rolled back by the database because of a conflict: retry the same batch. */
        CONFLICT,
        /** Rolled back because of one of its operations: isolate that operation. */
        BAD_OPERATION,
        /** Rolled back because the encoding of the database cannot represent a character: no row has that text. */
        UNSTORABLE,
        /** Rolled back, or never sent, because the writer was fenced: register a new writer. */
        FENCED,
        /** Never sent: no connection could be opened. */
        UNAVAILABLE,
        /** Never sent: too many statements wait for a connection. */
        BUSY,
        /** Sent without a response: resolve the outcome with the writer's row. */
        UNKNOWN,
        /** Rejected for a reason that a retry does not resolve. */
        FATAL
    }

    /** The cause of a retry, a label of the meter. */
    public enum Cause {
        /** SQLSTATE 40001. */
        SERIALIZATION("serialization"),
        /** SQLSTATE 40P01. */
        DEADLOCK("deadlock"),
        /** SQLSTATE 55P03. */
        LOCK_TIMEOUT("lock-timeout"),
        /** SQLSTATE 23505. */
        KEY_RACE("key-race"),
        /** Every other failure that a retry may resolve. */
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
    private final boolean repeated;

    /** A failure of that kind; {@code cause} is the exception of the driver. */
    public StoreFailure(Kind kind, Cause reason, String message, Throwable cause) {
        this(kind, reason, message, cause, /* repeated= */ false);
    }

    /** A failure that the store itself detected. */
    public StoreFailure(Kind kind, Cause reason, String message) {
        this(kind, reason, message, null, /* repeated= */ false);
    }

    private StoreFailure(
            Kind kind, Cause reason, @Nullable String message, @Nullable Throwable cause, boolean repeated) {
        super(message, cause, false, false);
        this.kind = kind;
        this.reason = reason;
        this.repeated = repeated;
    }

    /** This failure, for a call that fails without an attempt of its own, because this one is so recent. */
    public StoreFailure repeated() {
        return new StoreFailure(kind, reason, getMessage(), getCause(), /* repeated= */ true);
    }

    /** Whether an earlier call has failed with this failure, and logged it. */
    public boolean isRepeated() {
        return repeated;
    }

    /** The kind of the failure. */
    public Kind kind() {
        return kind;
    }

    /** The cause of a retry, if there is one. */
    public Cause reason() {
        return reason;
    }

    /** Whether the database rejected one of several operations, and accepts the others. */
    public boolean isRefusal() {
        return kind == Kind.BAD_OPERATION || kind == Kind.UNSTORABLE;
    }

    /** Whether the encoding of the database cannot represent a text of the statement. */
    public static boolean isUnstorable(Throwable failure) {
        return failure instanceof StoreFailure known && known.kind == Kind.UNSTORABLE;
    }

    /** Whether nothing was applied and a retry may succeed. */
    boolean mayBeSentAgain() {
        return switch (kind) {
            case CONFLICT, FENCED, UNAVAILABLE, BUSY -> true;
            case BAD_OPERATION, UNSTORABLE, UNKNOWN, FATAL -> false;
        };
    }
}
