package io.tally.postgres;

import io.r2dbc.postgresql.PostgresqlConnectionFactory;
import java.util.Map;

/**
 * Where connections come from, and the settings of their sessions.
 *
 * @param factory logs in with the settings, since a role may limit each statement to a millisecond
 * @param settings set again after the log-in, since a pooler drops the settings of a log-in
 */
public record SessionConnections(PostgresqlConnectionFactory factory, Map<String, String> settings) {}
