package io.tally;

import io.tally.testing.Database;
import io.tally.testing.EmbeddedPostgres;
import io.tally.testing.EmbeddedPostgresException;
import java.nio.file.Path;
import java.sql.SQLException;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import org.springframework.boot.SpringApplication;
import org.springframework.context.ConfigurableApplicationContext;
import org.springframework.core.env.MapPropertySource;

/**
 * The service with a PostgreSQL of its own, for a first run: {@code ./mvnw spring-boot:test-run}.
 *
 * <p>The counters stay in {@code .tally}, or where the system property {@code tally.embedded.directory} or {@code
 * TALLY_EMBEDDED_DIRECTORY} says. Nothing listens beyond this machine unless the command line asks for it.
 */
public final class TestTallyApplication {

    private static final String DATABASE = "tally";

    private TestTallyApplication() {}

    /** Starts PostgreSQL, then the service; a Ctrl-C ends them in the opposite order. */
    public static void main(String[] arguments) throws SQLException {
        EmbeddedPostgres server;
        try {
            server = EmbeddedPostgres.start(directory(), /* port= */ 0);
        } catch (EmbeddedPostgresException e) {
            System.err.println(e.getMessage());
            System.exit(1);
            return;
        }
        var shutdown = new Shutdown(server);
        Runtime.getRuntime().addShutdownHook(shutdown);
        shutdown.context = application(server.createDatabase(DATABASE)).run(arguments);
    }

    private static Path directory() {
        String fromEnvironment = System.getenv().getOrDefault("TALLY_EMBEDDED_DIRECTORY", ".tally");
        return Path.of(System.getProperty("tally.embedded.directory", fromEnvironment));
    }

    private static SpringApplication application(Database database) {
        SpringApplication application = new SpringApplication(TallyApplication.class);
        // The shutdown below closes the context: Spring's own hook would run beside it, in no order.
        application.setRegisterShutdownHook(false);
        application.setDefaultProperties(
                Map.of("server.address", "127.0.0.1", "management.server.address", "127.0.0.1"));
        Map<String, Object> properties = Map.of(
                "tally.database.url", database.url(),
                "tally.database.username", database.username(),
                "tally.database.password", database.password());
        application.addInitializers(context -> context.getEnvironment()
                .getPropertySources()
                .addFirst(new MapPropertySource("embedded PostgreSQL", properties)));
        return application;
    }

    /** The service finishes what it accepted while PostgreSQL still runs. */
    private static final class Shutdown extends Thread {

        private final EmbeddedPostgres server;
        private volatile @Nullable ConfigurableApplicationContext context;

        private Shutdown(EmbeddedPostgres server) {
            super("shutdown");
            this.server = server;
        }

        @Override
        public void run() {
            try (server) {
                ConfigurableApplicationContext started = context;
                if (started != null) {
                    started.close();
                }
            }
        }
    }
}
