package io.tally.postgres;

import io.r2dbc.pool.ConnectionPool;
import io.r2dbc.pool.ConnectionPoolConfiguration;
import io.r2dbc.spi.Connection;
import io.r2dbc.spi.ValidationDepth;
import io.r2dbc.spi.Wrapped;
import io.tally.pipeline.StoreFailure;
import io.tally.pipeline.StoreFailure.Cause;
import io.tally.pipeline.StoreFailure.Kind;
import java.time.Duration;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Function;
import reactor.core.publisher.Mono;

/**
 * A pool of a few connections for reads and for writes beside the lanes. Every wait has a time-out: without one, a
 * caller might wait forever if the database restarts at the wrong moment. Safe for use by many threads.
 */
public final class Pool {

    /** Shorter than the time after which a firewall forgets a silent connection: a minute at the earliest. */
    private static final Duration IDLE_MAX = Duration.ofSeconds(10);

    private static final Duration EVICTION_INTERVAL = Duration.ofSeconds(1);
    private static final Duration LIFE_MAX = Duration.ofMinutes(30);
    private static final Duration VALIDATION_MAX = Duration.ofSeconds(1);

    /** The maximum of callers that use or wait for a connection; further ones are refused at once. */
    private static final int USERS_MAX = 256;

    private final ConnectionPool pool;
    private final ConnectionLimits limits;
    private final AtomicInteger users = new AtomicInteger();

    /** @param size the maximum of connections */
    public Pool(SessionConnections sessions, DatabaseProperties properties, int size) {
        this.limits = new ConnectionLimits(properties.statementTimeout());
        this.pool = new ConnectionPool(ConnectionPoolConfiguration.builder(new PreparedConnections(sessions))
                .name("tally-pool")
                .initialSize(0)
                .maxSize(size)
                .maxCreateConnectionTime(properties.connectTimeout())
                .maxAcquireTime(properties.connectTimeout().plus(ConnectionLimits.GRACE))
                .maxIdleTime(IDLE_MAX)
                .backgroundEvictionInterval(EVICTION_INTERVAL)
                .maxLifeTime(LIFE_MAX)
                .maxValidationTime(VALIDATION_MAX)
                .validationDepth(ValidationDepth.LOCAL)
                .build());
    }

    /** Runs one statement that writes nothing. So a lost response counts as unavailable, not as an unknown outcome. */
    public <T> Mono<T> read(Function<Connection, Mono<T>> work) {
        return use(work).onErrorMap(StoreFailure.class, Pool::harmless);
    }

    private static StoreFailure harmless(StoreFailure failure) {
        return failure.kind() == Kind.UNKNOWN
                ? new StoreFailure(Kind.UNAVAILABLE, failure.reason(), String.valueOf(failure.getMessage()), failure)
                : failure;
    }

    /** Runs a transaction, and commits it if the work succeeds. Otherwise the pool rolls it back. */
    public <T> Mono<T> inTransaction(Function<Connection, Mono<T>> work) {
        return use(connection -> Mono.from(connection.beginTransaction())
                .then(Mono.defer(() -> work.apply(connection)))
                .flatMap(result -> Mono.from(connection.commitTransaction()).thenReturn(result)));
    }

    /**
     * Runs one statement or transaction. Fails with {@link StoreFailure}. After a failure that breaks the connection,
     * closes it before its return, so that the pool discards it.
     */
    public <T> Mono<T> use(Function<Connection, Mono<T>> work) {
        return Mono.using(this::enter, entered -> used(work), entered -> users.decrementAndGet());
    }

    private int enter() {
        int entered = users.incrementAndGet();
        if (entered > USERS_MAX) {
            users.decrementAndGet();
            throw new StoreFailure(Kind.BUSY, Cause.CONNECTION, USERS_MAX + " callers use or wait for the pool");
        }
        return entered;
    }

    private <T> Mono<T> used(Function<Connection, Mono<T>> work) {
        return Mono.usingWhen(
                pool.create().onErrorMap(SqlStates::whileConnecting),
                connection -> limits.bounded(work.apply(connection), closedPhysically(connection)),
                Connection::close);
    }

    /** Closes the connection itself: {@link Connection#close} of a pooled connection only returns it to the pool. */
    private static Mono<Void> closedPhysically(Connection connection) {
        return connection instanceof Wrapped<?> pooled
                ? ConnectionLimits.closed((Connection) pooled.unwrap())
                : Mono.empty();
    }

    /** Closes the connections; those in use after their return. */
    public Mono<Void> close() {
        return pool.disposeLater();
    }

    /** Begins to close the connections. */
    void dispose() {
        pool.dispose();
    }
}
