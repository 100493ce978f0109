package io.tally.postgres;

import io.r2dbc.postgresql.PostgresqlConnectionFactory;
import io.r2dbc.postgresql.api.PostgresqlConnection;
import io.r2dbc.spi.ConnectionFactory;
import io.r2dbc.spi.ConnectionFactoryMetadata;
import io.tally.pipeline.StoreFailure;
import io.tally.pipeline.StoreFailure.Cause;
import io.tally.pipeline.StoreFailure.Kind;
import reactor.core.publisher.Mono;

/** Connections that may be written on: to a primary, and durable. */
record PreparedConnections(PostgresqlConnectionFactory factory) implements ConnectionFactory {

    @Override
    public Mono<PostgresqlConnection> create() {
        return Mono.usingWhen(
                factory.create(),
                PreparedConnections::prepare,
                connection -> Mono.empty(),
                (connection, failure) -> ConnectionLimits.closed(connection),
                // The caller that waits for it has timed out.
                ConnectionLimits::closed);
    }

    @Override
    public ConnectionFactoryMetadata getMetadata() {
        return factory.getMetadata();
    }

    /** Makes it ready. Fails where the server is a replica. */
    private static Mono<PostgresqlConnection> prepare(PostgresqlConnection connection) {
        return Statements.one(connection.createStatement(CounterSql.PREPARE), row -> CounterRows.is(row, "replica"))
                .flatMap(isReplica -> isReplica
                        ? Mono.error(new StoreFailure(Kind.UNAVAILABLE, Cause.CONNECTION, "the server is a replica"))
                        : Mono.just(connection));
    }
}
