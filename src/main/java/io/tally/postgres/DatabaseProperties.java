package io.tally.postgres;

import io.tally.StartupException;
import java.time.Duration;
import java.util.StringJoiner;
import org.jspecify.annotations.Nullable;
import org.springframework.boot.context.properties.ConfigurationProperties;
import org.springframework.boot.context.properties.bind.DefaultValue;
import org.springframework.util.Assert;

/**
 * The database and the time-outs for it. {@code application.yml} says how to choose the values.
 *
 * @param url {@code postgresql://host:port/database}, without credentials; see {@link DatabaseUrl}
 * @param connectTimeout the time-out for opening a connection, log-in included
 * @param lockTimeout the time-out of a statement that waits for a row locked by another transaction; the database
 *     enforces it
 * @param statementTimeout the time-out of a statement; the database enforces it, and the client a second later
 * @param readConnectionsMax the maximum of pooled connections: one for reads of counters, the others for all other
 *     features
 * @param startWaitMax the time-out of the start's wait for the database, up to 1 hour; 0 is one attempt
 */
@ConfigurationProperties("tally.database")
public record DatabaseProperties(
        String url,
        String username,
        String password,
        @DefaultValue("3s") Duration connectTimeout,
        @DefaultValue("2s") Duration lockTimeout,
        @DefaultValue("5s") Duration statementTimeout,
        @DefaultValue("4") int readConnectionsMax,
        @DefaultValue("8m") Duration startWaitMax) {

    private static final String URL_KEY = "tally.database.url";
    private static final Duration START_WAIT_LIMIT = Duration.ofHours(1);

    /**
     * Checks each value and the relations between them.
     *
     * @throws StartupException if the database is not configured, or its URL is refused
     * @throws IllegalArgumentException with the name of the invalid key
     */
    public DatabaseProperties {
        requireConfigured(url, username, password);
        DatabaseUrl.parse(URL_KEY, url);
        Assert.isTrue(connectTimeout.isPositive(), "tally.database.connect-timeout must be positive");
        Assert.isTrue(lockTimeout.isPositive(), "tally.database.lock-timeout must be positive");
        // Otherwise a wait for a lock would end with an unknown outcome.
        Assert.isTrue(
                statementTimeout.compareTo(lockTimeout) > 0,
                "tally.database.statement-timeout must be longer than lock-timeout");
        Assert.isTrue(
                readConnectionsMax >= 2 && readConnectionsMax <= 100,
                "tally.database.read-connections-max must be between 2 and 100");
        Assert.isTrue(
                !startWaitMax.isNegative() && startWaitMax.compareTo(START_WAIT_LIMIT) <= 0,
                "tally.database.start-wait-max must be between 0 and 1h");
    }

    /** The parsed URL. */
    DatabaseUrl address() {
        return DatabaseUrl.parse(URL_KEY, url);
    }

    /** Without the password and the parameters of the URL, which may contain secrets. */
    @Override
    public String toString() {
        return "DatabaseProperties[url=" + address() + ", username=" + username + "]";
    }

    private static void requireConfigured(@Nullable String url, @Nullable String username, @Nullable String password) {
        StringJoiner missing = new StringJoiner(", ");
        if (url == null) {
            missing.add(URL_KEY);
        }
        if (username == null) {
            missing.add("tally.database.username");
        }
        if (password == null) {
            missing.add("tally.database.password");
        }
        if (missing.length() > 0) {
            throw new StartupException(
                    "Tally needs a database. Missing: " + missing + ".",
                    "Set TALLY_DATABASE_URL (postgresql://host:port/database), TALLY_DATABASE_USERNAME and"
                            + " TALLY_DATABASE_PASSWORD.");
        }
    }
}
