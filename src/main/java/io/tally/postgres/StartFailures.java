package io.tally.postgres;

import io.r2dbc.spi.R2dbcException;
import io.r2dbc.spi.R2dbcPermissionDeniedException;
import io.tally.StartupException;
import io.tally.pipeline.StoreFailure;
import io.tally.pipeline.StoreFailure.Kind;
import java.io.IOException;
import java.security.GeneralSecurityException;
import java.sql.SQLException;
import java.time.Duration;
import java.util.List;
import java.util.Objects;
import java.util.Set;
import java.util.concurrent.TimeoutException;
import java.util.stream.Stream;
import javax.net.ssl.SSLException;
import javax.net.ssl.SSLHandshakeException;
import javax.net.ssl.SSLPeerUnverifiedException;
import org.jspecify.annotations.Nullable;

/**
 * The classification of failures at the start, from both drivers: whether to wait, or what to report to the operator.
 *
 * @see <a href="https://www.postgresql.org/docs/current/errcodes-appendix.html">PostgreSQL error codes</a>
 */
final class StartFailures {

    /** A lost connection, a conflict, a shortage of resources, or an internal error of the server. */
    private static final Set<String> TRANSIENT_CLASSES = Set.of("08", "40", "53", "58", "XX");

    /** A replica, which may be promoted; a lock that another start holds; a server that starts or stops. */
    private static final Set<String> TRANSIENT_STATES = Set.of("25006", "55P03", "57P01", "57P02", "57P03", "57P05");

    private static final Set<String> PREPARED_STATEMENT_STATES = Set.of("26000", "42P05");

    /** The texts of PgBouncer's own errors. All of them have SQLSTATE 08P01, so only the text tells them apart. */
    private static final String UNSUPPORTED_PARAMETER = "unsupported startup parameter";

    private static final List<String> POOLER_LOG_INS =
            List.of("password authentication failed", "SASL authentication failed", "no such user");

    private static final String POOLER_DATABASE = "no such database";

    private StartFailures() {}

    /** Whether the failure stays until an operator changes something. Then the start does not wait. */
    static boolean isPermanent(Throwable failure) {
        if (causes(failure).anyMatch(StartFailures::isRefusal)) {
            return true;
        }
        String state = state(failure);
        if (state != null) {
            return !isTransient(state) || isRefusalOfPooler(RootCause.text(failure));
        }
        if (failure instanceof StoreFailure known && known.getCause() == null) {
            return known.kind() == Kind.FATAL;
        }
        return causes(failure).noneMatch(StartFailures::isOfTheNetwork);
    }

    private static boolean isTransient(String state) {
        return TRANSIENT_STATES.contains(state) || TRANSIENT_CLASSES.contains(state.substring(0, 2));
    }

    private static boolean isRefusalOfPooler(String text) {
        return text.contains(UNSUPPORTED_PARAMETER) || text.contains(POOLER_DATABASE) || isRefusedLogIn(text);
    }

    private static boolean isRefusedLogIn(String text) {
        return POOLER_LOG_INS.stream().anyMatch(text::contains);
    }

    /** Whether certificates do not match, or one side requires TLS. A lost connection during a handshake is neither. */
    private static boolean isRefusal(Throwable cause) {
        return cause instanceof R2dbcPermissionDeniedException
                || cause instanceof GeneralSecurityException
                || cause instanceof SSLPeerUnverifiedException
                || (cause instanceof SSLHandshakeException
                        && String.valueOf(cause.getMessage()).contains("alert"));
    }

    private static boolean isOfTheNetwork(Throwable cause) {
        return cause instanceof IOException || cause instanceof TimeoutException || cause instanceof R2dbcException;
    }

    /** The text of the failure, with the address if the driver gives it. */
    static String text(Throwable failure) {
        return failure instanceof StoreFailure known ? String.valueOf(known.getMessage()) : RootCause.text(failure);
    }

    static StartupException timeout(Throwable failure, Duration waitMax) {
        return new StartupException(
                "The database was not ready within " + waitMax.toSeconds() + " s: " + text(failure) + ".",
                "Start the database, or name another in TALLY_DATABASE_URL. tally.database.start-wait-max is how long"
                        + " the start waits.");
    }

    static StartupException refusal(Throwable failure) {
        String state = String.valueOf(state(failure));
        String text = RootCause.text(failure);
        if (PREPARED_STATEMENT_STATES.contains(state)) {
            return DatabaseProof.pooled(text);
        }
        if (text.contains(UNSUPPORTED_PARAMETER)) {
            return new StartupException(
                    "A pooler refuses the settings of Tally's sessions: " + text,
                    "Connect to PostgreSQL directly, or see the section PgBouncer of src/docs/operations.md.");
        }
        if (state.startsWith("28") || isRefusedLogIn(text)) {
            return new StartupException(
                    "The database refuses the log-in: " + text,
                    "Check TALLY_DATABASE_USERNAME, TALLY_DATABASE_PASSWORD and the server's pg_hba.conf. If migrations"
                            + " have a user of their own, check SPRING_FLYWAY_USER and SPRING_FLYWAY_PASSWORD, too.");
        }
        if (state.equals("3D000") || text.contains(POOLER_DATABASE)) {
            return new StartupException(
                    "The server has no such database: " + text,
                    "Create it: create database … encoding 'UTF8' locale 'C' template template0; or name another in"
                            + " TALLY_DATABASE_URL.");
        }
        if (state.equals("42501")) {
            return new StartupException(
                    "The database user lacks a right: " + text,
                    "Grant it. The user of the migrations must be able to connect and to create tables: grant create on"
                            + " schema … to …; with several shards, also their schemas: grant create on database … to"
                            + " …; SPRING_FLYWAY_USER names another user for them.");
        }
        if (causes(failure).anyMatch(SSLException.class::isInstance)
                || causes(failure).anyMatch(GeneralSecurityException.class::isInstance)
                || text.contains("SSL")) {
            return new StartupException(
                    "The encrypted connection to the database failed: " + text,
                    "Check sslmode and sslrootcert in TALLY_DATABASE_URL, the server's certificate and the host name in"
                            + " it.");
        }
        return new StartupException(
                "The database cannot be used: " + text, "Remove the cause that the message names, and start again.");
    }

    private static @Nullable String state(Throwable failure) {
        return causes(failure)
                .map(StartFailures::ownState)
                .filter(Objects::nonNull)
                .filter(state -> state.length() == 5)
                .reduce((outer, inner) -> inner)
                .orElse(null);
    }

    private static @Nullable String ownState(Throwable cause) {
        if (cause instanceof SQLException known) {
            return known.getSQLState();
        }
        return cause instanceof R2dbcException known ? known.getSqlState() : null;
    }

    private static Stream<Throwable> causes(Throwable failure) {
        return Stream.concat(
                Stream.iterate(failure, Objects::nonNull, Throwable::getCause), Stream.of(RootCause.of(failure)));
    }
}
