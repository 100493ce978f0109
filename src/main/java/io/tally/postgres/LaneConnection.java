package io.tally.postgres;

import io.r2dbc.postgresql.PostgresqlConnectionFactory;
import io.r2dbc.postgresql.api.PostgresqlConnection;
import io.r2dbc.spi.ValidationDepth;
import io.tally.pipeline.StoreFailure;
import java.time.Duration;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import reactor.core.publisher.Mono;

/**
 * The one connection of a lane: opened when first needed, dropped when it can no longer be trusted, opened again. The
 * time limit and the translation of failures stand here for every statement. For one use at a time.
 */
public final class LaneConnection {

    private static final Logger log = LoggerFactory.getLogger(LaneConnection.class);

    /**
     * How much longer than the server this side waits: the server's word that it gave up is worth more than silence.
     */
    private static final Duration GRACE = Duration.ofSeconds(1);

    private static final Duration CLOSE_MAX = Duration.ofSeconds(1);

    private final PreparedConnections connections;
    private final Duration connectMax;
    private final Duration answerMax;
    private volatile @Nullable PostgresqlConnection open;

    public LaneConnection(PostgresqlConnectionFactory factory, Duration connectMax, Duration statementMax) {
        this.connections = new PreparedConnections(factory);
        this.connectMax = connectMax;
        this.answerMax = statementMax.plus(GRACE);
    }

    /**
     * Runs work that is one round trip or a transaction, within the time limit of one statement. Cancelling it drops
     * the connection.
     */
    public <T> Mono<T> use(Function<PostgresqlConnection, Mono<T>> work) {
        return Mono.usingWhen(
                Mono.defer(this::connection).onErrorMap(SqlStates::whileConnecting),
                connection -> work.apply(connection)
                        .timeout(answerMax, SqlStates.noAnswer(answerMax))
                        .onErrorMap(SqlStates::inFlight)
                        .onErrorResume(StoreFailure.class, failure -> dropIfBroken(failure)),
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

    private <T> Mono<T> dropIfBroken(StoreFailure failure) {
        Mono<T> failed = Mono.error(failure);
        return SqlStates.breaksConnection(failure) ? close().then(failed) : failed;
    }

    /** The longest that one use takes: a connection and an answer. */
    static Duration useMax(DatabaseProperties properties) {
        return properties.connectTimeout().plus(properties.statementTimeout()).plus(GRACE);
    }

    /** Closes the connection, if there is one; whatever becomes of that, the next use opens another. */
    public Mono<Void> close() {
        return Mono.defer(this::closed);
    }

    private Mono<Void> closed() {
        PostgresqlConnection closing = open;
        open = null;
        return closing == null
                ? Mono.empty()
                : closing.close().timeout(CLOSE_MAX).onErrorResume(failure -> {
                    log.debug("A broken connection did not close in order: {}", failure.toString());
                    return Mono.empty();
                });
    }
}
