package io.tally.postgres;

import io.r2dbc.postgresql.PostgresqlConnectionFactory;
import io.r2dbc.postgresql.api.PostgresqlConnection;
import io.r2dbc.spi.ValidationDepth;
import java.time.Duration;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;
import reactor.core.publisher.Mono;

/**
 * The one connection of a lane: opened when first needed, dropped when it can no longer be trusted, opened again. For
 * one use at a time.
 */
public final class LaneConnection {

    private final PreparedConnections connections;
    private final Duration connectMax;
    private final ConnectionLimits limits;
    private volatile @Nullable PostgresqlConnection open;

    public LaneConnection(PostgresqlConnectionFactory factory, Duration connectMax, Duration statementMax) {
        this.connections = new PreparedConnections(factory);
        this.connectMax = connectMax;
        this.limits = new ConnectionLimits(statementMax);
    }

    /**
     * Runs work that is one round trip or a transaction, within the time limit of one statement. Cancelling it drops
     * the connection.
     */
    public <T> Mono<T> use(Function<PostgresqlConnection, Mono<T>> work) {
        return Mono.usingWhen(
                Mono.defer(this::connection).onErrorMap(SqlStates::whileConnecting),
                connection -> limits.bounded(work.apply(connection), close()),
                used -> Mono.empty(),
                (used, failure) -> Mono.empty(),
                cancelled -> close());
    }

    private Mono<PostgresqlConnection> connection() {
        PostgresqlConnection current = open;
        if (current == null) {
            return opened();
        }
        // One that was found dead before anything was sent leaves nothing in doubt.
        return Mono.from(current.validate(ValidationDepth.LOCAL))
                .flatMap(alive -> alive ? Mono.just(current) : close().then(Mono.defer(this::opened)));
    }

    private Mono<PostgresqlConnection> opened() {
        return connections
                .create()
                .timeout(connectMax, SqlStates.noConnection(connectMax))
                .doOnNext(connection -> open = connection);
    }

    /** The longest that one use takes: a connection and an answer. */
    static Duration useMax(DatabaseProperties properties) {
        return properties.connectTimeout().plus(properties.statementTimeout()).plus(ConnectionLimits.GRACE);
    }

    /** Closes the connection, if there is one. The next use opens another, even where this one does not close. */
    public Mono<Void> close() {
        return Mono.defer(this::closed);
    }

    private Mono<Void> closed() {
        PostgresqlConnection closing = open;
        open = null;
        return closing == null ? Mono.empty() : ConnectionLimits.closed(closing);
    }
}
