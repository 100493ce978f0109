package io.tally.postgres;

import io.r2dbc.postgresql.api.PostgresqlConnection;
import io.r2dbc.spi.Row;
import io.r2dbc.spi.ValidationDepth;
import io.tally.pipeline.StoreFailure;
import java.time.Duration;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import reactor.core.publisher.Mono;
import reactor.core.publisher.Sinks;

/**
 * The one connection of a lane: opened on demand, closed after a failure, and then opened again. For one use at a time,
 * beside which any thread may probe it.
 */
public final class LaneConnection {
    /*
     * Probes
     *
     * A firewall between Tally and the database forgets a connection that was silent for some minutes, and neither side
     * notices. The next statement and its callers would then wait for a time-out. So any connection that has been
     * silent for some seconds is probed, which also keeps the firewall from forgetting it.
     *
     * A use and a probe exclude each other without a lock. A use increments a counter and then checks for a probe; a
     * probe publishes itself and then checks for a use. So at least one of them sees the other. Then the use waits for
     * the end of the probe, and the probe does nothing.
     */

    private static final Logger log = LoggerFactory.getLogger(LaneConnection.class);

    /** The silence after which a connection is probed. Firewalls drop it after a minute at the earliest. */
    static final Duration PROBED_AFTER = Duration.ofSeconds(10);

    /** The time-out of a probe. */
    static final Duration PROBE_MAX = Duration.ofSeconds(1);

    private final PreparedConnections connections;
    private final Duration connectMax;
    private final ConnectionLimits limits;
    private final AtomicInteger uses = new AtomicInteger();
    private final AtomicReference<Sinks.@Nullable Empty<Void>> probing = new AtomicReference<>();
    private volatile long silentSinceNanos;
    private volatile @Nullable PostgresqlConnection open;

    public LaneConnection(SessionConnections sessions, Duration connectMax, Duration statementMax) {
        this.connections = new PreparedConnections(sessions);
        this.connectMax = connectMax;
        this.limits = new ConnectionLimits(statementMax);
    }

    /**
     * Runs one statement or transaction, within the time-out of one statement. Fails with {@link StoreFailure} only.
     * Cancelling drops the connection.
     */
    public <T> Mono<T> use(Function<PostgresqlConnection, Mono<T>> work) {
        return Mono.using(uses::incrementAndGet, use -> probeEnded().then(used(work)), use -> left());
    }

    private void left() {
        silentSinceNanos = System.nanoTime();
        uses.decrementAndGet();
    }

    private Mono<Void> probeEnded() {
        return Mono.defer(() -> {
            Sinks.Empty<Void> probe = probing.get();
            return probe == null ? Mono.empty() : probe.asMono();
        });
    }

    private <T> Mono<T> used(Function<PostgresqlConnection, Mono<T>> work) {
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
        // A connection found dead before anything was sent leaves no outcome in doubt.
        return Mono.from(current.validate(ValidationDepth.LOCAL))
                .flatMap(alive -> alive ? Mono.just(current) : close().then(Mono.defer(this::opened)));
    }

    private Mono<PostgresqlConnection> opened() {
        return connections
                .create()
                .timeout(connectMax, SqlStates.noConnection(connectMax))
                .doOnNext(connection -> open = connection);
    }

    /**
     * Probes the connection if it has been silent for {@link #PROBED_AFTER}. Replaces a connection that does not
     * respond within {@link #PROBE_MAX}, so that the next use finds a working one. Does nothing while the connection is
     * in use or being probed. Fails with {@link StoreFailure} if no other connection can be opened.
     */
    Mono<Void> probe() {
        return probe(PROBED_AFTER);
    }

    /** Probes after another time of silence. */
    Mono<Void> probe(Duration after) {
        return Mono.defer(() -> {
            PostgresqlConnection silent = open;
            if (silent == null || !isSilent(after)) {
                return Mono.empty();
            }
            Sinks.Empty<Void> probe = Sinks.empty();
            if (!probing.compareAndSet(null, probe)) {
                return Mono.empty();
            }
            return (uses.get() > 0 ? Mono.<Void>empty() : probed(silent)).doFinally(signal -> {
                silentSinceNanos = System.nanoTime();
                probing.set(null);
                probe.tryEmitEmpty();
            });
        });
    }

    private boolean isSilent(Duration after) {
        return uses.get() == 0 && System.nanoTime() - silentSinceNanos >= after.toNanos();
    }

    private Mono<Void> probed(PostgresqlConnection silent) {
        return Statements.one(silent.createStatement(SessionSql.PROBE), LaneConnection::requirePrimary)
                .timeout(PROBE_MAX, SqlStates.noAnswer(PROBE_MAX))
                .then()
                .onErrorResume(this::replaced);
    }

    private static boolean requirePrimary(Row row) {
        CounterRows.requirePrimary(row);
        return true;
    }

    private Mono<Void> replaced(Throwable failure) {
        if (open == null) {
            // The owner closed the connection meanwhile.
            return Mono.empty();
        }
        log.info("Replacing a silent connection: {}", failure.getMessage());
        return close().then(Mono.defer(this::opened))
                .onErrorMap(SqlStates::whileConnecting)
                .then();
    }

    /** The maximum time of one use: a connection and a response. */
    public static Duration useMax(DatabaseProperties properties) {
        return properties.connectTimeout().plus(properties.statementTimeout()).plus(ConnectionLimits.GRACE);
    }

    /** Closes the connection, if there is one. The next use opens another, even if closing fails. */
    public Mono<Void> close() {
        return Mono.defer(this::closed);
    }

    private Mono<Void> closed() {
        PostgresqlConnection closing = open;
        open = null;
        return closing == null ? Mono.empty() : ConnectionLimits.closed(closing);
    }
}
