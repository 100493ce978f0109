package io.tally.testing;

import java.sql.SQLException;
import java.util.Map;
import java.util.UUID;

/**
 * A server of Citus, which the tests do not start: the environment variable {@code TALLY_TEST_CITUS_URL} names its
 * coordinator as {@code postgresql://host:port/database}, {@code TALLY_TEST_CITUS_USERNAME} and {@code
 * TALLY_TEST_CITUS_PASSWORD} an ordinary user who may create schemas there.
 *
 * <p>A test gets a distributed schema instead of a database, which lives whole on one node.
 */
final class Citus {

    private static final String URL = "TALLY_TEST_CITUS_URL";
    private static final String USERNAME = "TALLY_TEST_CITUS_USERNAME";
    private static final String PASSWORD = "TALLY_TEST_CITUS_PASSWORD";

    private static final String SETUP = "Name a coordinator with the extension citus and at least one node for shards,"
            + " and set citus.enable_schema_based_sharding = on for its database.";

    private Citus() {}

    /** The demanded server. Fails if it is not named, does not answer, or does not distribute schemas. */
    static Database required() {
        Map<String, String> environment = System.getenv();
        String url = environment.getOrDefault(URL, "");
        if (url.isEmpty()) {
            throw new IllegalStateException("The tests shall run on Citus, and " + URL + " is not set. " + SETUP);
        }
        Database server = new Database(
                url, environment.getOrDefault(USERNAME, "tally"), environment.getOrDefault(PASSWORD, "tally"));
        requireDistribution(server);
        return server;
    }

    private static void requireDistribution(Database server) {
        try {
            if (server.queryLong("select count(*) from pg_extension where extname = 'citus'") == 0) {
                throw unfit(server, "lacks the extension citus");
            }
            if (!server.queryString("select current_setting('citus.enable_schema_based_sharding')")
                    .equals("on")) {
                throw unfit(server, "does not distribute schemas");
            }
            if (server.queryLong("select count(*) from pg_dist_node where shouldhaveshards") == 0) {
                throw unfit(server, "has no node for shards");
            }
        } catch (SQLException failure) {
            throw new IllegalStateException(server.url() + " does not answer: " + failure.getMessage(), failure);
        }
    }

    private static IllegalStateException unfit(Database server, String reason) {
        return new IllegalStateException(server.url() + " " + reason + ". " + SETUP);
    }

    static String version(Database server) {
        try {
            return server.queryString("select extversion from pg_extension where extname = 'citus'");
        } catch (SQLException failure) {
            throw new IllegalStateException(failure);
        }
    }

    /** Creates an empty distributed schema, which goes away at the end of the JVM. */
    static Database createSchema(Database server) throws SQLException {
        String schema = "test_" + UUID.randomUUID().toString().replace("-", "");
        server.execute("create schema " + schema);
        Postgres.closeAtExit(() -> server.execute("drop schema " + schema + " cascade"));
        if (server.queryLong("select count(*) from citus_schemas where schema_name = ?::regnamespace", schema) == 0) {
            throw unfit(server, "did not distribute a new schema");
        }
        return new Database(server.url() + "?currentSchema=" + schema, server.username(), server.password());
    }
}
