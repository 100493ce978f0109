package io.tally.postgres;

import io.r2dbc.postgresql.api.ErrorDetails;
import io.r2dbc.postgresql.api.PostgresqlException;
import io.r2dbc.spi.R2dbcException;
import io.tally.pipeline.StoreFailure;
import io.tally.pipeline.StoreFailure.Cause;
import io.tally.pipeline.StoreFailure.Kind;
import java.time.Duration;
import java.util.Set;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;
import reactor.core.publisher.Mono;

/**
 * Classifies failures of the database by their meaning for the statement or transaction that was sent.
 *
 * @see <a href="https://www.postgresql.org/docs/current/errcodes-appendix.html">PostgreSQL error codes</a>
 */
final class SqlStates {

    private static final Set<String> OUR_KEYS =
            Set.of("counter_pkey", "member_pkey", "writer_pkey", "idempotency_key_pkey");

    /** Citus names the constraint in the message only, with the id of the shard, which has six digits at least. */
    private static final Pattern OUR_SHARD_KEYS =
            Pattern.compile("\\b(" + String.join("|", OUR_KEYS) + ")_[0-9]{6,}\\b");

    private SqlStates() {}

    /** A failure before anything was sent: nothing was applied. */
    static StoreFailure whileConnecting(Throwable failure) {
        if (failure instanceof StoreFailure known) {
            return known;
        }
        String state = stateOf(failure);
        boolean operators =
                state != null && (state.startsWith("28") || state.startsWith("3D") || state.startsWith("42"));
        return failure(operators ? Kind.FATAL : Kind.UNAVAILABLE, Cause.CONNECTION, "no connection", failure);
    }

    /** Whether the server refused the log-in. Such a state usually lasts longer than a restart of the server. */
    static boolean isLogInRefused(StoreFailure failure) {
        Throwable cause = failure.getCause();
        // 53300: the server has too many connections.
        return failure.kind() == Kind.FATAL || (cause != null && "53300".equals(stateOf(cause)));
    }

    /** A failure after a statement was sent. */
    static StoreFailure inFlight(Throwable failure) {
        if (failure instanceof StoreFailure known) {
            return known;
        }
        String state = stateOf(failure);
        if (state == null) {
            return failure(Kind.UNKNOWN, Cause.CONNECTION, "no response", failure);
        }
        return switch (state) {
            case "40001" -> failure(Kind.CONFLICT, Cause.SERIALIZATION, state, failure);
            case "40P01" -> failure(Kind.CONFLICT, Cause.DEADLOCK, state, failure);
            case "55P03" -> failure(Kind.CONFLICT, Cause.LOCK_TIMEOUT, state, failure);
            case "23505" -> alreadyThere(failure);
            // A character that the encoding of the database cannot represent.
            case "22021", "22P05" -> failure(Kind.UNSTORABLE, Cause.CONNECTION, state, failure);
            // A primary that became a replica: nothing was written, and this connection is broken.
            case "25006" -> failure(Kind.UNAVAILABLE, Cause.CONNECTION, state, failure);
            // The server closed an idle transaction, or does not know the outcome itself.
            case "25P03", "40003" -> failure(Kind.UNKNOWN, Cause.CONNECTION, state, failure);
            default -> ofClass(state, failure);
        };
    }

    /** The sequence in the writer's row is not the one before the batch: nothing was applied. */
    static StoreFailure fenced() {
        return new StoreFailure(Kind.FENCED, Cause.CONNECTION, "the writer's row has another sequence");
    }

    /** The failure of a statement without a response in time. */
    static <T> Mono<T> noAnswer(Duration waited) {
        return Mono.error(() -> new StoreFailure(Kind.UNKNOWN, Cause.CONNECTION, "no response within " + waited));
    }

    /** The failure of a connection that is not open in time. */
    static <T> Mono<T> noConnection(Duration waited) {
        return Mono.error(() -> new StoreFailure(Kind.UNAVAILABLE, Cause.CONNECTION, "no connection within " + waited));
    }

    /** A race for one of Tally's own primary keys, which a retry resolves. It does not for other unique indexes. */
    private static StoreFailure alreadyThere(Throwable failure) {
        boolean ours = failure instanceof PostgresqlException known && isOurs(known.getErrorDetails());
        return failure(ours ? Kind.CONFLICT : Kind.BAD_OPERATION, Cause.KEY_RACE, "23505", failure);
    }

    /** Whether {@link CounterSql#ADD_NEW_KEYS} failed since one of its keys is stored, or may be. */
    static boolean isKeyMaybeStored(Throwable failure) {
        return "22012".equals(stateOf(failure)) || inFlight(failure).reason() == Cause.KEY_RACE;
    }

    private static boolean isOurs(ErrorDetails error) {
        return error.getConstraintName()
                .map(OUR_KEYS::contains)
                .orElseGet(() -> OUR_SHARD_KEYS.matcher(error.getMessage()).find());
    }

    private static StoreFailure ofClass(String state, Throwable failure) {
        return switch (state.substring(0, Math.min(2, state.length()))) {
            // Invalid data, a constraint, a limit of PostgreSQL, or an error of a trigger: caused by one operation.
            case "22", "23", "44", "54", "P0" -> failure(Kind.BAD_OPERATION, Cause.CONNECTION, state, failure);
            // A shortage of resources, a shutdown or an internal error: the server may have committed before.
            case "08", "53", "57", "58", "XX" -> failure(Kind.UNKNOWN, Cause.CONNECTION, state, failure);
            // Errors of PostgreSQL about a statement or this user, which a retry does not resolve.
            case "0A", "21", "24", "25", "26", "28", "2B", "2D", "34", "3B", "3D", "3F", "40", "42", "55" ->
                failure(Kind.FATAL, Cause.CONNECTION, state, failure);
            // Other states come from triggers of the operator.
            default -> failure(Kind.BAD_OPERATION, Cause.CONNECTION, state, failure);
        };
    }

    /** Whether the connection is broken. */
    static boolean breaksConnection(StoreFailure failure) {
        return switch (failure.kind()) {
            case UNKNOWN, UNAVAILABLE, FATAL -> true;
            case CONFLICT, BAD_OPERATION, UNSTORABLE, FENCED, BUSY -> false;
        };
    }

    private static @Nullable String stateOf(Throwable failure) {
        return failure instanceof R2dbcException known ? known.getSqlState() : null;
    }

    private static StoreFailure failure(Kind kind, Cause reason, String what, Throwable failure) {
        // The driver marks the address so until it has resolved the name.
        String said = String.valueOf(failure.getMessage()).replace("/<unresolved>", "");
        String root = RootCause.text(failure);
        return new StoreFailure(kind, reason, what + ": " + (said.contains(root) ? said : said + ": " + root), failure);
    }
}
