package io.tally.postgres;

import io.r2dbc.postgresql.PostgresqlConnectionConfiguration;
import io.r2dbc.postgresql.PostgresqlConnectionFactory;
import io.r2dbc.postgresql.PostgresqlConnectionFactoryProvider;
import io.r2dbc.spi.ConnectionFactoryOptions;
import java.time.Duration;
import java.util.HashMap;
import java.util.Map;
import reactor.netty.resources.LoopResources;

/** What the sessions of each purpose are set to, and where they are made. */
public final class Sessions {

    private Sessions() {}

    /** Connections whose sessions are set so, on the event loops of HTTP. */
    public static PostgresqlConnectionFactory connections(
            DatabaseProperties properties, Map<String, String> session, LoopResources loops) {
        PostgresqlConnectionConfiguration.Builder address = address(properties)
                // The client's side would keep a connection on the loop that opened it; the server's spreads them.
                .loopResources(preferNative -> loops.onServer(preferNative))
                .options(session);
        String path = session.get("search_path");
        if (path != null) {
            // That of the URL comes after the options, and would win.
            address.schema(path);
        }
        return new PostgresqlConnectionFactory(address.build());
    }

    static PostgresqlConnectionConfiguration.Builder address(DatabaseProperties properties) {
        // libpq's and JDBC's spelling, so that one URL serves both drivers.
        String url = properties.url().replace("sslrootcert=", "sslRootCert=");
        return PostgresqlConnectionFactoryProvider.builder(ConnectionFactoryOptions.parse("r2dbc:" + url)
                        .mutate()
                        .option(ConnectionFactoryOptions.USER, properties.username())
                        .option(ConnectionFactoryOptions.PASSWORD, properties.password())
                        .build())
                .applicationName("tally")
                .connectTimeout(properties.connectTimeout())
                .tcpKeepAlive(true);
    }

    /** For statements that find every row by its key. */
    public static Map<String, String> keyed(DatabaseProperties properties) {
        Map<String, String> session = of(properties, properties.statementTimeout());
        // A plan outlives the table it was made for: one made for an empty table must not read a full one row by row.
        session.put("enable_seqscan", "off");
        // Each statement has one good plan for all arrays; planning again costs more than it runs.
        session.put("plan_cache_mode", "force_generic_plan");
        return session;
    }

    /** For statements that may take so long. The caller may put more into it. */
    public static Map<String, String> of(DatabaseProperties properties, Duration statementTimeout) {
        return new HashMap<>(Map.of(
                // Enough for statements that lock what they change; anything stricter only adds retries.
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
