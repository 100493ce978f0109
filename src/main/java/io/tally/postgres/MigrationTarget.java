package io.tally.postgres;

import io.tally.StartupException;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import org.flywaydb.core.api.FlywayException;
import org.flywaydb.core.api.configuration.Configuration;
import org.jspecify.annotations.Nullable;

/**
 * The schema in which Flyway creates the tables. Its user may differ from the service's, and have another search path.
 *
 * @param name the name of the schema; null if the search path of the user names none
 * @param isPresent whether the schema exists; if not, Flyway creates it
 * @param isWritable whether the user may create the schema, or tables in it, or need not, since Flyway has done so
 *     before
 */
record MigrationTarget(@Nullable String name, boolean isPresent, String database, String username, boolean isWritable) {

    /** The schema and the right to create. Parameters: the history table, the schema or null. */
    private static final String TARGET = """
            select current_user::text as username, current_database()::text as database, s.name,
                   n.oid is not null as present,
                   case when s.name is null then true
                        when n.oid is null then has_database_privilege(current_database(), 'create')
                        else has_schema_privilege(n.oid, 'create')
                          or exists (select from pg_class c where c.relnamespace = n.oid and c.relname = ?)
                   end as writable
              from (select coalesce(?::text, current_schema()::text) as name) s
                   left join pg_namespace n on n.nspname = s.name
            """;

    /**
     * Asks the database, in a session of Flyway's user.
     *
     * @param shard the schema of one of several shards; null for the one that Flyway is configured with
     */
    static MigrationTarget of(Configuration flyway, @Nullable String shard) {
        try (Connection connection = flyway.getDataSource().getConnection();
                PreparedStatement statement = connection.prepareStatement(TARGET)) {
            statement.setString(1, flyway.getTable());
            statement.setString(2, shard == null ? schemaSet(flyway) : shard);
            try (ResultSet rows = statement.executeQuery()) {
                rows.next();
                return new MigrationTarget(
                        rows.getString("name"),
                        rows.getBoolean("present"),
                        rows.getString("database"),
                        rows.getString("username"),
                        rows.getBoolean("writable"));
            }
        } catch (SQLException failure) {
            throw new FlywayException(failure);
        }
    }

    /** With several shards, their schemas have the tables, so no other may be configured. */
    static void requireNoSchema(Configuration flyway) {
        String schema = schemaSet(flyway);
        if (schema != null) {
            throw new StartupException(
                    "spring.flyway.default-schema or spring.flyway.schemas is " + schema
                            + ", and with several shards each has a schema of its own.",
                    "Remove both settings. ?currentSchema= at the end of TALLY_DATABASE_URL changes the names of the"
                            + " schemas.");
        }
    }

    private static @Nullable String schemaSet(Configuration flyway) {
        if (flyway.getDefaultSchema() != null) {
            return flyway.getDefaultSchema();
        }
        return flyway.getSchemas().length > 0 ? flyway.getSchemas()[0] : null;
    }

    /** @param searched where the service looks for its tables; empty if no schema of its search path is there */
    void requireSchema(String searched) {
        if (isPresent && !searched.isEmpty() && !searched.equals(name)) {
            throw new StartupException(
                    "Flyway, as the user " + username + ", makes the tables in the schema " + name
                            + ", and Tally looks for them in " + searched + ".",
                    "Remove spring.flyway.default-schema and spring.flyway.schemas, and name the schema at the end of"
                            + " TALLY_DATABASE_URL for both: ?currentSchema=" + name + ".");
        }
    }

    void requireRights() {
        if (isWritable) {
            return;
        }
        String another = "; or have another user migrate: SPRING_FLYWAY_USER and SPRING_FLYWAY_PASSWORD.";
        throw isPresent
                ? new StartupException(
                        "The user " + username + " may not create tables in the schema " + name + ".",
                        "Grant it: grant usage, create on schema " + name + " to " + username + another)
                : new StartupException(
                        "The user " + username + " may not create the schema " + name + ".",
                        "Grant it: grant create on database " + database + " to " + username
                                + "; or create the schema for it: create schema " + name + " authorization " + username
                                + another);
    }
}
