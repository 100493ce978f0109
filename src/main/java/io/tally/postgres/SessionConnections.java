package io.tally.postgres;

import io.r2dbc.postgresql.PostgresqlConnectionFactory;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * Where connections come from, and the settings of their sessions.
 *
 * @param factory logs in with the settings, since a role may limit each statement to a millisecond
 * @param settings set again after the log-in, since a pooler drops the settings of a log-in
 * @param schema the only schema with tables that the sessions find; {@code null} for the search path of the log-in
 */
public record SessionConnections(
        PostgresqlConnectionFactory factory,
        Map<String, String> settings,
        @Nullable String schema) {}
