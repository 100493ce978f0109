package io.tally.postgres;

import io.r2dbc.postgresql.PostgresqlConnectionFactory;
import io.r2dbc.postgresql.api.PostgresqlConnection;
import io.r2dbc.spi.ConnectionFactory;
import io.r2dbc.spi.ConnectionFactoryMetadata;
import java.util.List;
import java.util.Map;
import reactor.core.publisher.Mono;

/**
 * Connections whose sessions have their settings from the first statement on. The log-in sends the settings, since the
 * role's own defaults could fail even the first statement, for example by a short time-out. A pooler drops the settings
 * of a log-in, so the first statement sets them again.
 */
final class SessionConnections implements ConnectionFactory {

    private final PostgresqlConnectionFactory factory;
    private final String[] names;
    private final String[] values;

    SessionConnections(PostgresqlConnectionFactory factory, Map<String, String> settings) {
        this.factory = factory;
        List<Map.Entry<String, String>> entries = List.copyOf(settings.entrySet());
        this.names = entries.stream().map(Map.Entry::getKey).toArray(String[]::new);
        this.values = entries.stream().map(Map.Entry::getValue).toArray(String[]::new);
    }

    @Override
    public Mono<PostgresqlConnection> create() {
        return Mono.usingWhen(
                factory.create(),
                this::set,
                connection -> Mono.empty(),
                (connection, failure) -> ConnectionLimits.closed(connection),
                ConnectionLimits::closed);
    }

    private Mono<PostgresqlConnection> set(PostgresqlConnection connection) {
        return Statements.rows(connection
                        .createStatement(SessionSql.SET)
                        .bind("$1", names)
                        .bind("$2", values))
                .thenReturn(connection);
    }

    @Override
    public ConnectionFactoryMetadata getMetadata() {
        return factory.getMetadata();
    }
}
