package io.tally.testing;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import org.springframework.util.FileSystemUtils;

/** A PgBouncer of the {@code PATH} in front of a PostgreSQL of this machine. It trusts its clients. */
public final class PgBouncer implements AutoCloseable {

    private static final Duration START_MAX = Duration.ofSeconds(30);

    private final Path directory;
    private final int port;

    private PgBouncer(Path directory, int port) {
        this.directory = directory;
        this.port = port;
    }

    /**
     * Starts one; returns when it listens.
     *
     * @param server the database whose server and user it connects to
     * @param poolMode {@code session}, {@code transaction} or {@code statement}
     * @param ignoredParameters of a client's log-in, separated by commas
     */
    public static PgBouncer start(Database server, String poolMode, String ignoredParameters)
            throws IOException, InterruptedException {
        Path directory = Files.createTempDirectory("pgbouncer-");
        PostgresAccount account = PostgresAccount.forDirectory(directory);
        int port = EmbeddedPostgres.freePort();
        Files.writeString(directory.resolve("users.txt"), "\"%s\" \"\"\n".formatted(server.username()));
        Path settings = directory.resolve("pgbouncer.ini");
        String address = server.url().substring("postgresql://127.0.0.1:".length());
        Files.writeString(settings, """
                [databases]
                * = host=127.0.0.1 port=%1$s
                [pgbouncer]
                listen_addr = 127.0.0.1
                listen_port = %2$d
                unix_socket_dir =
                auth_type = trust
                auth_file = %3$s/users.txt
                logfile = %3$s/log
                pidfile = %3$s/pid
                pool_mode = %4$s
                ignore_startup_parameters = %5$s
                """.formatted(
                        address.substring(0, address.indexOf('/')), port, directory, poolMode, ignoredParameters));
        account.own(directory);
        Command start = account.run(List.of("pgbouncer", "--daemon", settings.toString()));
        if (!start.succeeded()) {
            throw new IOException("pgbouncer is needed on the PATH; .ci/pooler installs it. " + start.output());
        }
        PgBouncer started = new PgBouncer(directory, port);
        Clients.await("PgBouncer has its pid file", START_MAX, () -> Files.exists(directory.resolve("pid")));
        return started;
    }

    /** A database as seen through it. */
    public Database through(Database database) {
        String name = database.url().substring(database.url().lastIndexOf('/') + 1);
        return new Database(
                "postgresql://127.0.0.1:%d/%s".formatted(port, name), database.username(), database.password());
    }

    /** The port on 127.0.0.1. */
    public int port() {
        return port;
    }

    /** Kills it. */
    @Override
    public void close() throws IOException {
        long pid = Long.parseLong(Files.readString(directory.resolve("pid")).strip());
        ProcessHandle.of(pid).ifPresent(ProcessHandle::destroyForcibly);
        FileSystemUtils.deleteRecursively(directory);
    }
}
