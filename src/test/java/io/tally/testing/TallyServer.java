package io.tally.testing;

import io.tally.TallyApplication;
import java.net.URI;
import java.sql.SQLException;
import java.util.HashMap;
import java.util.Map;
import java.util.stream.Stream;
import org.flywaydb.core.Flyway;
import org.springframework.boot.SpringApplication;
import org.springframework.boot.flyway.autoconfigure.FlywayMigrationStrategy;
import org.springframework.context.ConfigurableApplicationContext;

/** The service itself, in this JVM, on free ports of the loopback interface and a database of the test's choice. */
public final class TallyServer implements AutoCloseable {

    private final ConfigurableApplicationContext context;

    /** What {@link #shared()} says. */
    private static final class Shared {

        private static final Database DATABASE = create();
        private static final TallyServer ONE = open();
        private static final TallyServer OTHER = open();

        private static Database create() {
            try {
                return Postgres.shared().createDatabase();
            } catch (SQLException e) {
                throw new IllegalStateException(e);
            }
        }

        private static TallyServer open() {
            TallyServer server = start(DATABASE);
            Postgres.closeAtExit(server);
            return server;
        }
    }

    private TallyServer(ConfigurableApplicationContext context) {
        this.context = context;
    }

    /**
     * Starts it; returns when it is ready.
     *
     * @param settings as key, value, key, value
     */
    public static TallyServer start(Database database, String... settings) {
        return start(new SpringApplication(TallyApplication.class), database, settings);
    }

    /** Starts it on a database that the start would refuse, and only migrates it. */
    public static TallyServer startUnproven(Database database) {
        SpringApplication application = new SpringApplication(TallyApplication.class);
        FlywayMigrationStrategy migration = Flyway::migrate;
        application.addInitializers(
                context -> context.getBeanFactory().registerSingleton("unprovenMigration", migration));
        return start(application, database);
    }

    private static TallyServer start(SpringApplication application, Database database, String... settings) {
        Map<String, Object> properties = new HashMap<>(Map.of(
                "server.port",
                "0",
                "server.address",
                "127.0.0.1",
                "management.server.port",
                "0",
                "management.server.address",
                "127.0.0.1",
                TestShards.SETTING,
                TestShards.count(),
                "tally.database.url",
                database.url(),
                "tally.database.username",
                database.username(),
                "tally.database.password",
                database.password()));
        for (int i = 0; i < settings.length; i += 2) {
            properties.put(settings[i], settings[i + 1]);
        }
        application.setRegisterShutdownHook(false);
        String[] arguments = properties.entrySet().stream()
                .map(property -> "--" + property.getKey() + "=" + property.getValue())
                .toArray(String[]::new);
        return new TallyServer(application.run(arguments));
    }

    /** The database of {@link #shared()} and {@link #sharedOther()}. A test uses names of its own there. */
    public static Database sharedDatabase() {
        return Shared.DATABASE;
    }

    /** An instance with the defaults, which the tests of this JVM share: no test closes it. */
    public static TallyServer shared() {
        return Shared.ONE;
    }

    /** Another instance on the same database, for tests of two. */
    public static TallyServer sharedOther() {
        return Shared.OTHER;
    }

    /** Where the API is. */
    public URI uri() {
        URI uri = loopback("local.server.port");
        Contract.require(uri);
        return uri;
    }

    /** Where the Actuator is. */
    public URI managementUri() {
        URI uri = loopback("local.management.port");
        Contract.exempt(uri);
        return uri;
    }

    private URI loopback(String port) {
        return URI.create("http://127.0.0.1:" + context.getEnvironment().getRequiredProperty(port));
    }

    /** A bean, for what HTTP does not show. */
    public <T> T bean(Class<T> type) {
        return context.getBean(type);
    }

    /** All beans of a type, in their order. */
    public <T> Stream<T> beans(Class<T> type) {
        return context.getBeanProvider(type).orderedStream();
    }

    /** Stops it in order, as SIGTERM does; returns when it has stopped. */
    @Override
    public void close() {
        context.close();
    }
}
