package io.tally.postgres;

import io.r2dbc.spi.R2dbcException;
import java.net.UnknownHostException;
import java.sql.SQLException;
import java.util.Arrays;

/**
 * The innermost cause of a failure, since a driver's own exception says only that it cannot connect. If there are
 * several hosts, the driver suppresses the failure of each: an error from a server then precedes a server that is away.
 */
final class RootCause {

    private RootCause() {}

    static Throwable of(Throwable failure) {
        Throwable root = failure;
        // This exception names the host; its cause does not.
        while (root.getCause() != null && !(root instanceof UnknownHostException)) {
            root = root.getCause();
        }
        return Arrays.stream(root.getSuppressed())
                .map(RootCause::of)
                .filter(RootCause::isOfServer)
                .findFirst()
                .orElse(root);
    }

    private static boolean isOfServer(Throwable cause) {
        return cause instanceof R2dbcException known && known.getSqlState() != null;
    }

    /** The message of the database, or the class and the message of another cause, on one line. */
    static String text(Throwable failure) {
        Throwable root = of(failure);
        String message = root.getMessage();
        boolean saysAll = root instanceof R2dbcException || root instanceof SQLException;
        String text = message == null || !saysAll
                ? root.getClass().getSimpleName() + (message == null ? "" : ": " + message)
                : message;
        return text.replaceAll("\\s+", " ").strip();
    }
}
