package io.tally.testing;

import java.sql.Connection;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.Deque;
import java.util.UUID;
import java.util.concurrent.ConcurrentLinkedDeque;
import org.flywaydb.core.Flyway;
import org.flywaydb.core.api.configuration.FluentConfiguration;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.testcontainers.DockerClientFactory;
import org.testcontainers.postgresql.PostgreSQLContainer;
import org.testcontainers.utility.DockerImageName;

/**
 * The PostgreSQL that the tests of one JVM share; a test that needs a database of its own takes one from it.
 *
 * <p>It runs in a container where a Docker Engine answers, else embedded; the system property {@code
 * tally.test.postgres} demands one of {@code container} and {@code embedded}, and {@code tally.test.postgres.image} (or
 * {@code TALLY_TEST_POSTGRES_IMAGE}) names an image. The value {@code citus} demands {@link Citus}, where each database
 * is a distributed schema. Either way it is durable. Any thread may use it.
 */
public final class Postgres {

    private static final Logger LOG = LoggerFactory.getLogger(Postgres.class);

    private static final String CONTAINER = "container";
    private static final String EMBEDDED = "embedded";
    private static final String CITUS = "citus";
    private static final String DEFAULT_IMAGE = "postgres:18";

    private static final Deque<AutoCloseable> OPEN = new ConcurrentLinkedDeque<>();

    static {
        Runtime.getRuntime().addShutdownHook(new Thread(Postgres::closeAll));
    }

    private final Database administration;

    /** The name of a migrated database. Null on Citus. */
    private final @Nullable String migrated;

    private Postgres(Database administration, @Nullable String migrated) {
        this.administration = administration;
        this.migrated = migrated;
    }

    /** Migrates a database once, so that others are made as copies of it: that takes a fraction of the time. */
    private static Postgres withTemplate(Database administration) throws SQLException {
        Database template = new Postgres(administration, null).create("");
        migrate(template);
        return new Postgres(administration, template.queryString("select current_database()"));
    }

    private static void migrate(Database empty) {
        FluentConfiguration flyway =
                Flyway.configure().dataSource("jdbc:" + empty.url(), empty.username(), empty.password());
        if (TestShards.count() == 1) {
            flyway.load().migrate();
        } else {
            for (int i = 0; i < TestShards.count(); i++) {
                String schema = TestShards.schema(i);
                flyway.schemas(schema).defaultSchema(schema).load().migrate();
            }
        }
    }

    private static final class Shared {
        private static final Postgres INSTANCE = start();
    }

    /** Starts it at the first call; the JVM's end stops it. */
    public static Postgres shared() {
        return Shared.INSTANCE;
    }

    /** Creates a database with the service's tables in the schemas of all shards, under a name of its own. */
    public Database createDatabase() throws SQLException {
        if (migrated != null) {
            return create(" TEMPLATE " + migrated);
        }
        Database empty = Citus.createSchema(administration);
        migrate(empty);
        return empty;
    }

    /** Creates an empty database with a name of its own. */
    public Database createEmptyDatabase() throws SQLException {
        return migrated == null ? Citus.createSchema(administration) : create("");
    }

    /** Creates an empty database whose encoding is not that of the others. */
    public Database createDatabaseEncoded(String encoding) throws SQLException {
        if (migrated == null) {
            throw new UnsupportedOperationException("The tests share one database of Citus");
        }
        return create(" ENCODING '" + encoding + "' LOCALE 'C' TEMPLATE template0");
    }

    private Database create(String options) throws SQLException {
        String name = "test_" + UUID.randomUUID().toString().replace("-", "");
        administration.execute("CREATE DATABASE " + name + options);
        String server = administration.url().substring(0, administration.url().lastIndexOf('/'));
        return new Database(server + "/" + name, administration.username(), administration.password());
    }

    private static Postgres start() {
        String demanded = System.getProperty("tally.test.postgres", "");
        return switch (demanded) {
            case CONTAINER -> startContainer();
            case EMBEDDED -> startEmbedded("as demanded");
            case CITUS -> startCitus();
            case "" -> startAny();
            default ->
                throw new IllegalArgumentException(
                        "-Dtally.test.postgres must be container, embedded or citus, not " + demanded);
        };
    }

    private static Postgres startAny() {
        if (!DockerClientFactory.instance().isDockerAvailable()) {
            return startEmbedded("no Docker Engine answered");
        }
        try {
            return startContainer();
        } catch (RuntimeException | LinkageError e) {
            // The second where Testcontainers cannot set itself up: it does so in its static initializers.
            LOG.warn("A Docker Engine answers, but no container of {} could be started: {}", image(), rootMessage(e));
            return startEmbedded("no container could be started");
        }
    }

    private static String rootMessage(Throwable thrown) {
        Throwable root = thrown;
        while (root.getCause() != null) {
            root = root.getCause();
        }
        return root.toString();
    }

    private static Postgres startEmbedded(String reason) {
        EmbeddedPostgres server = EmbeddedPostgres.startTemporary();
        closeAtExit(server);
        Database administration = new Database(server.url("postgres"), EmbeddedPostgres.USERNAME, "");
        return announced(administration, "embedded PostgreSQL", reason);
    }

    private static Postgres startCitus() {
        Database server = Citus.required();
        announce(server, "Citus " + Citus.version(server) + " on PostgreSQL", "that TALLY_TEST_CITUS_URL names");
        return new Postgres(server, null);
    }

    private static Postgres startContainer() {
        String image = image();
        // Testcontainers would turn fsync off.
        @SuppressWarnings("resource") // closed at exit, or by Testcontainers where its start fails
        var container = new PostgreSQLContainer(DockerImageName.parse(image).asCompatibleSubstituteFor("postgres"))
                .withCommand("postgres", "-c", "fsync=on", "-c", "max_connections=" + TestShards.CONNECTIONS_MAX);
        container.start();
        closeAtExit(container);
        String url = "postgresql://%s:%d/%s"
                .formatted(
                        container.getHost(),
                        container.getMappedPort(PostgreSQLContainer.POSTGRESQL_PORT),
                        container.getDatabaseName());
        Database administration = new Database(url, container.getUsername(), container.getPassword());
        return announced(administration, "PostgreSQL", "in a container of " + image);
    }

    private static String image() {
        String fromEnvironment = System.getenv().getOrDefault("TALLY_TEST_POSTGRES_IMAGE", DEFAULT_IMAGE);
        return System.getProperty("tally.test.postgres.image", fromEnvironment);
    }

    private static Postgres announced(Database administration, String kind, String reason) {
        announce(administration, kind, reason);
        try {
            return withTemplate(administration);
        } catch (SQLException e) {
            throw new IllegalStateException("The tests' PostgreSQL does not answer", e);
        }
    }

    private static void announce(Database administration, String kind, String reason) {
        try (Connection connection = administration.connect();
                Statement statement = connection.createStatement()) {
            requireOn(statement, "fsync");
            requireOn(statement, "synchronous_commit");
            String version = connection.getMetaData().getDatabaseProductVersion();
            LOG.info("Tests run on {} {} ({})", kind, version, reason);
        } catch (SQLException e) {
            throw new IllegalStateException("The tests' PostgreSQL does not answer", e);
        }
    }

    private static void requireOn(Statement statement, String setting) throws SQLException {
        try (var rows = statement.executeQuery("SHOW " + setting)) {
            if (!rows.next() || !"on".equals(rows.getString(1))) {
                throw new IllegalStateException("The tests' PostgreSQL is not durable: " + setting + " is off");
            }
        }
    }

    /** Closes it when the JVM ends, before all that were named here earlier. */
    static void closeAtExit(AutoCloseable server) {
        OPEN.push(server);
    }

    private static void closeAll() {
        for (AutoCloseable server : OPEN) {
            try {
                server.close();
            } catch (Exception e) {
                LOG.warn("{} was not stopped", server, e);
            }
        }
    }
}
