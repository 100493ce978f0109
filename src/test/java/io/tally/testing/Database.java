package io.tally.testing;

import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.util.List;
import java.util.function.BooleanSupplier;
import java.util.stream.IntStream;

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

    /** The shard of a namespace: this database with the tables of that shard in the search path. */
    public Database of(String namespace) {
        return shard(TestShards.SHARDING.indexOf(namespace));
    }

    /** The shards, in order. */
    public List<Database> shards() {
        return IntStream.range(0, TestShards.count()).mapToObj(this::shard).toList();
    }

    /** The first shard, which has what belongs to no namespace. */
    public Database first() {
        return shard(0);
    }

    private Database shard(int index) {
        return TestShards.count() == 1
                ? this
                : new Database(url + "?currentSchema=" + TestShards.schema(index), username, password);
    }

    /** The sum of a number over all shards. */
    public long sum(String sql, Object... parameters) throws SQLException {
        long sum = 0;
        for (Database shard : shards()) {
            sum += shard.queryLong(sql, parameters);
        }
        return sum;
    }

    /** Runs a statement in each shard. */
    public void executeInEach(String sql, Object... parameters) throws SQLException {
        for (Database shard : shards()) {
            shard.execute(sql, parameters);
        }
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
