package io.tally.testing;

import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.util.function.BooleanSupplier;

/**
 * A database for a test, and plain JDBC to look into it past the code under test.
 *
 * <p>Each query opens and closes a connection of its own. Parameters are set as {@link PreparedStatement#setObject}
 * would.
 *
 * @param url such as {@code postgresql://127.0.0.1:5432/test_1}
 */
public record Database(String url, String username, String password) {

    /** A new connection, which the caller closes. */
    public Connection connect() throws SQLException {
        return DriverManager.getConnection("jdbc:" + url, username, password);
    }

    /** The first column of the only row, as text. */
    public String queryString(String sql, Object... parameters) throws SQLException {
        try (Connection connection = connect();
                PreparedStatement statement = prepare(connection, sql, parameters);
                ResultSet rows = statement.executeQuery()) {
            if (!rows.next()) {
                throw new SQLException("No row: " + sql);
            }
            String value = rows.getString(1);
            if (value == null || rows.next()) {
                throw new SQLException("Not one row with a value: " + sql);
            }
            return value;
        }
    }

    /** The first column of the only row, as a number. */
    public long queryLong(String sql, Object... parameters) throws SQLException {
        return Long.parseLong(queryString(sql, parameters));
    }

    /** Whether the first column of the only row is this number. */
    public BooleanSupplier is(long expected, String sql, Object... parameters) {
        return () -> {
            try {
                return queryLong(sql, parameters) == expected;
            } catch (SQLException failure) {
                throw new IllegalStateException(failure);
            }
        };
    }

    /** Runs a statement in a transaction of its own. */
    public void execute(String sql, Object... parameters) throws SQLException {
        try (Connection connection = connect();
                PreparedStatement statement = prepare(connection, sql, parameters)) {
            statement.execute();
        }
    }

    private static PreparedStatement prepare(Connection connection, String sql, Object... parameters)
            throws SQLException {
        PreparedStatement statement = connection.prepareStatement(sql);
        for (int i = 0; i < parameters.length; i++) {
            statement.setObject(i + 1, parameters[i]);
        }
        return statement;
    }
}
