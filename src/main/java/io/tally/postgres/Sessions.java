package io.tally.postgres;

import io.r2dbc.postgresql.PostgresqlConnectionConfiguration;
import io.r2dbc.postgresql.PostgresqlConnectionFactory;
import java.time.Duration;
import java.util.HashMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import reactor.netty.resources.LoopResources;

/** The session settings for each purpose, and the factories of connections. */
public final class Sessions {

    private static final String APPLICATION = "tally";

    private Sessions() {}

    /**
     * Connections with these session settings, on the event loops of HTTP.
     *
     * @param schema the only schema with tables that the sessions find; {@code null} for that of the URL
     */
    public static SessionConnections connections(
            DatabaseProperties properties, @Nullable String schema, Map<String, String> session, LoopResources loops) {
        Map<String, String> settings = new HashMap<>(properties.address().session());
        settings.put("application_name", APPLICATION);
        // Settings that Tally relies on replace those of the URL.
        settings.putAll(session);
        if (schema != null) {
            // Each session sets its path itself, and PgBouncer refuses one in the log-in.
            settings.remove("search_path");
        }
        PostgresqlConnectionFactory factory = new PostgresqlConnectionFactory(address(properties)
                // The client's side would keep a connection on the loop that opened it; the server's spreads them.
                .loopResources(preferNative -> loops.onServer(preferNative))
                .options(settings)
                .build());
        return new SessionConnections(factory, session, schema);
    }

    /** The database and its user, without settings of the session. */
    static PostgresqlConnectionConfiguration.Builder address(DatabaseProperties properties) {
        return properties
                .address()
                .r2dbc(properties.connectTimeout())
                .username(properties.username())
                .password(properties.password())
                .applicationName(APPLICATION)
                .tcpKeepAlive(true);
    }

    /** Settings for statements that find every row by its key. */
    public static Map<String, String> keyed(DatabaseProperties properties) {
        Map<String, String> session = of(properties, properties.statementTimeout());
        // Plans are cached: a plan for an empty table must not scan the table after it has grown.
        session.put("enable_seqscan", "off");
        // One generic plan is good for all arrays, and planning takes longer than execution.
        session.put("plan_cache_mode", "force_generic_plan");
        return session;
    }

    /**
     * Settings for statements with that time-out. The caller may add settings. {@link SessionSql} sets what is the same
     * for all sessions.
     */
    public static Map<String, String> of(DatabaseProperties properties, Duration statementTimeout) {
        return new HashMap<>(Map.of(
                // Enough, since statements lock the rows that they change; a stricter level would only add retries.
                "default_transaction_isolation", "read committed",
                "lock_timeout", millis(properties.lockTimeout()),
                "statement_timeout", millis(statementTimeout),
                "idle_in_transaction_session_timeout", millis(properties.statementTimeout()),
                "jit", "off"));
    }

    private static String millis(Duration duration) {
        return duration.toMillis() + "ms";
    }
}
