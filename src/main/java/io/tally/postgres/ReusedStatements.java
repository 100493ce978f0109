package io.tally.postgres;

import io.r2dbc.postgresql.api.PostgresqlConnection;
import io.r2dbc.postgresql.api.PostgresqlStatement;
import java.util.HashMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * The statements of one connection at a time. Each is created once and bound again for each execution, since the driver
 * parses the SQL of every new statement (decision 23). For one execution at a time. Each must bind all parameters, and
 * always with the same types: they are part of the key under which the driver knows the prepared statement.
 */
final class ReusedStatements {

    private final Map<String, PostgresqlStatement> bySql = new HashMap<>();
    private @Nullable PostgresqlConnection connection;

    /** A statement of the connection, whose last execution has ended. */
    PostgresqlStatement of(PostgresqlConnection current, String sql) {
        if (!current.equals(connection)) {
            bySql.clear();
            connection = current;
        }
        return bySql.computeIfAbsent(sql, current::createStatement);
    }
}
