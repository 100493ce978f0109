package io.tally.postgres;

import io.r2dbc.postgresql.api.PostgresqlConnection;
import io.r2dbc.spi.ConnectionFactory;
import io.r2dbc.spi.ConnectionFactoryMetadata;
import io.r2dbc.spi.Row;
import io.r2dbc.spi.Statement;
import io.tally.pipeline.StoreFailure;
import io.tally.pipeline.StoreFailure.Cause;
import io.tally.pipeline.StoreFailure.Kind;
import java.util.Map;
import java.util.Optional;
import reactor.core.publisher.Mono;

/** Connections for writes: to a primary, with durable commits. For one owner, with its back-off. */
final class PreparedConnections implements ConnectionFactory {

    private final SessionConnections connections;
    private final ConnectBackoff backoff = new ConnectBackoff(System::nanoTime);

    PreparedConnections(SessionConnections connections) {
        this.connections = connections;
    }

    @Override
    public Mono<PostgresqlConnection> create() {
        return backoff.attempt(Mono.usingWhen(
                connections.factory().create(),
                this::prepare,
                connection -> Mono.empty(),
                (connection, failure) -> ConnectionLimits.closed(connection),
                // The waiting caller has timed out.
                ConnectionLimits::closed));
    }

    @Override
    public ConnectionFactoryMetadata getMetadata() {
        return connections.factory().getMetadata();
    }

    /** Sets the session. Fails if the server is a replica, or if a wrong setting cannot be changed. */
    private Mono<PostgresqlConnection> prepare(PostgresqlConnection connection) {
        return Statements.rows(resolve(connection))
                .then(Mono.defer(() ->
                        Statements.one(connection.createStatement(SessionSql.PREPARE), PreparedConnections::obstacle)))
                .flatMap(obstacle -> obstacle.<Mono<PostgresqlConnection>>map(Mono::error)
                        .orElseGet(() -> withSettings(connection)));
    }

    private Statement resolve(PostgresqlConnection connection) {
        Statement statement = connection.createStatement(SessionSql.RESOLVE);
        String schema = connections.schema();
        return schema == null ? statement.bindNull("$1", String.class) : statement.bind("$1", schema);
    }

    private Mono<PostgresqlConnection> withSettings(PostgresqlConnection connection) {
        Map<String, String> settings = connections.settings();
        return Statements.rows(connection
                        .createStatement(SessionSql.SET)
                        .bind("$1", settings.keySet().toArray(String[]::new))
                        .bind("$2", settings.values().toArray(String[]::new)))
                .thenReturn(connection);
    }

    private static Optional<StoreFailure> obstacle(Row row) {
        if (CounterRows.is(row, "replica")) {
            return Optional.of(new StoreFailure(Kind.UNAVAILABLE, Cause.CONNECTION, "the server is a replica"));
        }
        String refused = row.get("refused", String.class);
        return refused == null
                ? Optional.empty()
                : Optional.of(new StoreFailure(
                        Kind.FATAL,
                        Cause.CONNECTION,
                        "a session of this user has " + refused + ", and only a superuser can change that. Reset it for"
                                + " the user, the database and the server"));
    }
}
