package io.tally.testing;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.attribute.PosixFilePermissions;
import java.sql.SQLException;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.ThreadLocalRandom;
import java.util.concurrent.locks.LockSupport;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.springframework.util.FileSystemUtils;

/**
 * A real, durable PostgreSQL that needs no installation: for the first run, and for tests that kill and freeze it.
 *
 * <p>It listens on the loopback interface only and trusts every local client. It outlives the terminal's Ctrl-C, so
 * that its users can finish first, and it outlives this JVM if that is killed: the next start in the same directory
 * stops it and begins afresh. One live JVM at a time uses a directory; no hook closes it, so its starter must.
 *
 * <p>Every method that cannot do its work throws {@link EmbeddedPostgresException}. Any thread may call any method;
 * they wait for each other.
 */
public final class EmbeddedPostgres implements AutoCloseable {

    /** The superuser; it has no password. */
    public static final String USERNAME = "postgres";

    private static final Logger LOG = LoggerFactory.getLogger(EmbeddedPostgres.class);

    /** The first four are defaults and stand here because every claim about lost updates rests on them. */
    private static final List<String> SETTINGS = List.of(
            "fsync=on",
            "synchronous_commit=on",
            "full_page_writes=on",
            "listen_addresses=127.0.0.1",
            // The path of a socket may be longer than the system allows.
            "unix_socket_directories=",
            "max_connections=" + TestShards.CONNECTIONS_MAX,
            "shared_buffers=256MB",
            "max_wal_size=2GB",
            "timezone=UTC");

    private static final int START_TIMEOUT_SECONDS = 60;
    private static final int STOP_TIMEOUT_SECONDS = 30;
    private static final Duration KILL_TIMEOUT = Duration.ofSeconds(10);
    private static final long POLL_NANOS = 1_000_000;

    /** Younger ones may be about to be claimed. */
    private static final Duration SWEEP_AGE = Duration.ofMinutes(1);

    private static final int START_ATTEMPTS = 5;
    private static final int LOG_LINES_SHOWN = 15;

    /** Below the ports that Linux and macOS give to outgoing connections. */
    private static final int FREE_PORT_MIN = 15_000;

    private static final int FREE_PORT_MAX = 32_000;

    private final DirectoryClaim claim;
    private final Path directory;
    private final Path data;
    private final Path log;
    private final Path pgCtl;
    private final PostgresAccount account;
    private final boolean temporary;
    private int port;
    private boolean closed;

    private EmbeddedPostgres(
            DirectoryClaim claim, Path directory, Path binaries, PostgresAccount account, int port, boolean temporary) {
        this.claim = claim;
        this.directory = directory;
        this.data = directory.resolve("data");
        this.log = directory.resolve("postgresql.log");
        this.pgCtl = binaries.resolve("bin/pg_ctl");
        this.account = account;
        this.port = port;
        this.temporary = temporary;
    }

    /** Starts an empty server on a free port; {@link #close()} deletes its data. */
    public static EmbeddedPostgres startTemporary() {
        try {
            Path parent = temporaryHome();
            sweep(parent);
            Path directory = Files.createTempDirectory(parent, "run-");
            openToAll(directory);
            DirectoryClaim claim = Objects.requireNonNull(DirectoryClaim.tryClaim(directory), "new, yet claimed");
            return start(claim, directory, /* port= */ 0, /* temporary= */ true);
        } catch (IOException e) {
            throw notStarted(e, "Check that there is room in java.io.tmpdir, and that it is yours to write.");
        }
    }

    /**
     * Starts a server whose data stay in a directory, which is created if need be.
     *
     * @param port where it listens, or 0 for a free one
     */
    public static EmbeddedPostgres start(Path directory, int port) {
        try {
            create(directory.toAbsolutePath());
            Path real = directory.toRealPath();
            DirectoryClaim claim = DirectoryClaim.tryClaim(real);
            if (claim == null) {
                throw new EmbeddedPostgresException(
                        "Another running process uses the PostgreSQL in %s.".formatted(real),
                        "",
                        "Stop that process first, or name another directory in -Dtally.embedded.directory"
                                + " (or TALLY_EMBEDDED_DIRECTORY).");
            }
            EmbeddedPostgres server = start(claim, real, port, /* temporary= */ false);
            LOG.info("PostgreSQL runs at {}, with its data in {}", server.url("postgres"), server.data);
            return server;
        } catch (IOException e) {
            throw notStarted(e, "Check that %s is yours to write and has room.".formatted(directory));
        }
    }

    private static EmbeddedPostgres start(DirectoryClaim claim, Path directory, int port, boolean temporary)
            throws IOException {
        boolean started = false;
        try {
            PostgresAccount account = PostgresAccount.forDirectory(directory);
            account.own(claim.file());
            Path binaries = binaries(account, directory, temporary);
            var postgres = new EmbeddedPostgres(claim, directory, binaries, account, port, temporary);
            postgres.stop();
            postgres.initialise();
            postgres.launch();
            started = true;
            return postgres;
        } finally {
            if (!started) {
                claim.close();
            }
        }
    }

    /** Beside kept data or, where programs may not be executed there, and for temporary data, among temporary files. */
    private static Path binaries(PostgresAccount account, Path directory, boolean temporary) throws IOException {
        Set<Path> places = new LinkedHashSet<>(temporary ? List.of() : List.of(directory));
        places.add(temporaryHome());
        String refusal = "";
        for (Path place : places) {
            Path binaries = PostgresBinaries.unpackInto(place);
            account.own(binaries);
            Command trial = account.run(List.of(binaries.resolve("bin/postgres").toString(), "--version"));
            if (trial.succeeded()) {
                return binaries;
            }
            refusal = trial.output();
            LOG.warn("PostgreSQL's programs do not run from {}: {}", place, refusal);
        }
        throw new EmbeddedPostgresException(
                "The embedded PostgreSQL does not run on this machine (it needs glibc: Alpine Linux has none).",
                refusal,
                "Start a PostgreSQL of your own and name it in TALLY_DATABASE_URL.");
    }

    /** Where this user's temporary servers live, and the programs they share. */
    private static Path temporaryHome() throws IOException {
        String user = System.getProperty("user.name", "").replaceAll("[^A-Za-z0-9_-]", "_");
        Path home = Path.of(System.getProperty("java.io.tmpdir"), "tally-postgresql-" + user);
        if (!Files.isDirectory(home, LinkOption.NOFOLLOW_LINKS)) {
            create(home);
        }
        // The tests run programs from it, so another user must not own it.
        if ((int) Files.getAttribute(home, "unix:uid", LinkOption.NOFOLLOW_LINKS) != PostgresAccount.ownUid()) {
            throw new IOException(home + " is not yours");
        }
        return home.toRealPath();
    }

    /** What root makes belongs to whom the place belongs, so that the owner can go on without root. */
    private static void create(Path directory) throws IOException {
        if (Files.isDirectory(directory)) {
            return;
        }
        Path parent = directory.resolveSibling(".").normalize();
        create(parent);
        openToAll(Files.createDirectory(directory));
        if (PostgresAccount.ownUid() == 0) {
            Files.setAttribute(directory, "unix:uid", Files.getAttribute(parent, "unix:uid"));
            Files.setAttribute(directory, "unix:gid", Files.getAttribute(parent, "unix:gid"));
        }
    }

    private static void openToAll(Path directory) throws IOException {
        Files.setPosixFilePermissions(directory, PosixFilePermissions.fromString("rwxr-xr-x"));
    }

    /** Deletes what JVMs left behind that were killed, and stops the servers that still run there. */
    private static void sweep(Path parent) throws IOException {
        Instant newest = Instant.now().minus(SWEEP_AGE);
        try (Stream<Path> runs =
                Files.list(parent).filter(path -> path.getFileName().toString().startsWith("run-"))) {
            for (Path run : (Iterable<Path>) runs::iterator) {
                sweep(run, newest);
            }
        }
    }

    private static void sweep(Path run, Instant newest) {
        try {
            if (Files.getLastModifiedTime(run).toInstant().isAfter(newest)) {
                return;
            }
            try (DirectoryClaim claim = DirectoryClaim.tryClaim(run)) {
                if (claim != null) {
                    postmaster(run.resolve("data")).ifPresent(EmbeddedPostgres::killTree);
                    FileSystemUtils.deleteRecursively(run);
                }
            }
        } catch (IOException e) {
            LOG.debug("Could not delete {}, since another process deletes it", run, e);
        }
    }

    /** The port on 127.0.0.1; the same after {@link #restart()}. */
    public synchronized int port() {
        return port;
    }

    /** The address of a database, such as {@code postgresql://127.0.0.1:5432/tally}. */
    public String url(String database) {
        return "postgresql://127.0.0.1:%d/%s".formatted(port(), database);
    }

    /** Creates an empty database unless there is one of this name. */
    public Database createDatabase(String name) throws SQLException {
        Database postgres = new Database(url("postgres"), USERNAME, "");
        if (postgres.queryLong("SELECT count(*) FROM pg_database WHERE datname = ?", name) == 0) {
            postgres.execute("CREATE DATABASE \"%s\"".formatted(name.replace("\"", "\"\"")));
        }
        return new Database(url(name), USERNAME, "");
    }

    /** Kills the server and all its processes at once, as a power failure would; the data stay as they are on disk. */
    public synchronized void kill() {
        postmaster(data).ifPresent(EmbeddedPostgres::killTree);
        forgetPid();
    }

    /** Starts the server again on the same data and port, after stopping it in good order if it still runs. */
    public synchronized void restart() {
        if (closed) {
            throw new IllegalStateException("This PostgreSQL was closed");
        }
        try {
            stop();
            launch();
        } catch (IOException e) {
            throw notStarted(e, "Check that %s has room.".formatted(directory));
        }
    }

    /** Freezes the server and all its processes: connections stay open without responses. */
    public synchronized void freeze() {
        ProcessHandle postmaster = running();
        // First, so that no child is forked while its children are listed.
        signal("STOP", List.of(postmaster));
        signal("STOP", tree(postmaster));
    }

    /** Ends {@link #freeze()}. */
    public synchronized void thaw() {
        signal("CONT", tree(running()));
    }

    /**
     * Stops the server without waiting for its clients. A temporary one is stopped at once, without the checkpoint that
     * takes half a minute on a busy machine with a hundred databases, and its data are deleted.
     */
    @Override
    public synchronized void close() {
        if (closed) {
            return;
        }
        closed = true;
        try (claim) {
            stop(temporary ? "immediate" : "fast");
            if (temporary) {
                FileSystemUtils.deleteRecursively(directory);
            }
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private ProcessHandle running() {
        return postmaster(data).orElseThrow(() -> new IllegalStateException("This PostgreSQL does not run"));
    }

    private void initialise() throws IOException {
        if (Files.isDirectory(data)) {
            account.own(data);
            return;
        }
        // A directory made by half must not pass for a whole one at the next start.
        Path unfinished = directory.resolve("data.unfinished");
        FileSystemUtils.deleteRecursively(unfinished);
        account.own(Files.createDirectory(unfinished));
        Command initdb = account.run(List.of(
                pgCtl.resolveSibling("initdb").toString(),
                "--pgdata=" + unfinished,
                "--username=" + USERNAME,
                "--auth=trust",
                "--encoding=UTF8",
                // PostgreSQL's own, as the system's may lack C.UTF-8.
                "--locale-provider=builtin",
                "--builtin-locale=C.UTF-8",
                "--locale=C",
                "--data-checksums"));
        if (!initdb.succeeded()) {
            throw new EmbeddedPostgresException(
                    "No database cluster could be made in %s.".formatted(unfinished),
                    initdb.output(),
                    "Check that %s has room, and that this user has a name (id -un).".formatted(directory));
        }
        Files.move(unfinished, data, StandardCopyOption.ATOMIC_MOVE);
    }

    private void launch() throws IOException {
        if (!Files.exists(log)) {
            Files.createFile(log);
        }
        account.own(log);
        boolean anyPort = port == 0;
        for (int attempt = 1; ; attempt++) {
            if (anyPort) {
                port = freePort();
            }
            long logged = Files.size(log);
            Command start = pgCtlStart();
            if (start.succeeded()) {
                return;
            }
            String details = start.output() + "\n" + logSince(logged);
            // It may still start later, and then nothing would stop it.
            postmaster(data).ifPresent(EmbeddedPostgres::killTree);
            // Someone else may have bound the port since it was found free. A killed process that has left the list of
            // processes may still release its memory.
            boolean passing = (anyPort && details.contains("Address already in use"))
                    || details.contains("pre-existing shared memory block");
            if (attempt == START_ATTEMPTS || !passing) {
                throw new EmbeddedPostgresException(
                        "PostgreSQL did not start on port %d with its data in %s.".formatted(port, data),
                        details,
                        "See %s. Is the port taken, the disk full? If the data may go, delete %s."
                                .formatted(log, directory));
            }
        }
    }

    /** pg_ctl gives the server a session of its own, which is what keeps the terminal's Ctrl-C from it. */
    private Command pgCtlStart() {
        String options = "-p " + port + " -c " + String.join(" -c ", SETTINGS);
        return account.run(List.of(
                pgCtl.toString(),
                "start",
                "--wait",
                "--timeout=" + START_TIMEOUT_SECONDS,
                "--pgdata=" + data,
                "--log=" + log,
                "--options=" + options));
    }

    private String logSince(long offset) throws IOException {
        byte[] bytes = Files.readAllBytes(log);
        int from = (int) Math.min(offset, bytes.length);
        List<String> lines = new String(bytes, from, bytes.length - from, StandardCharsets.UTF_8)
                .lines()
                .toList();
        return String.join("\n", lines.subList(Math.max(0, lines.size() - LOG_LINES_SHOWN), lines.size()));
    }

    /** Stops any server that runs on the data, be it frozen or of a JVM that is no more. */
    private void stop() {
        stop("fast");
    }

    private void stop(String mode) {
        Optional<ProcessHandle> running = postmaster(data);
        running.ifPresent(postmaster -> {
            signal("CONT", tree(postmaster));
            Command stop = account.run(List.of(
                    pgCtl.toString(),
                    "stop",
                    "--mode=" + mode,
                    "--wait",
                    "--timeout=" + STOP_TIMEOUT_SECONDS,
                    "--pgdata=" + data));
            if (!stop.succeeded()) {
                LOG.warn("PostgreSQL does not stop, and is killed: {}", stop.output());
                killTree(postmaster);
            }
        });
        forgetPid();
    }

    /**
     * Lets the next start ignore the pid of a killed server, which is still in use without a reaping parent, and may be
     * another process's by now. The file stays, with a pid that cannot be: PostgreSQL finds in it the shared memory of
     * the last server, and refuses to start while a process of that is left.
     */
    private void forgetPid() {
        Path file = pidFile(data);
        try {
            if (Files.exists(file)) {
                List<String> lines = new ArrayList<>(Files.readAllLines(file));
                if (lines.isEmpty()) {
                    Files.delete(file);
                } else {
                    lines.set(0, Integer.toString(Integer.MAX_VALUE));
                    Files.write(file, lines);
                }
            }
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static Path pidFile(Path data) {
        return data.resolve("postmaster.pid");
    }

    /** The server that runs on the data, if any. */
    private static Optional<ProcessHandle> postmaster(Path data) {
        try (Stream<String> lines = Files.lines(pidFile(data))) {
            return lines.findFirst()
                    .flatMap(pid -> ProcessHandle.of(Long.parseLong(pid.strip())))
                    .filter(process -> isServerOf(data, process));
        } catch (IOException e) {
            return Optional.empty();
        }
    }

    /** Recognised by its arguments: an unreaped dead process has none, and a new process with the pid has others. */
    private static boolean isServerOf(Path data, ProcessHandle process) {
        @Nullable String[] arguments = process.info().arguments().orElse(new String[0]);
        return List.of(arguments).contains(data.toString());
    }

    private static void killTree(ProcessHandle postmaster) {
        signal("STOP", List.of(postmaster));
        List<ProcessHandle> processes = tree(postmaster);
        signal("KILL", processes);
        long deadline = System.nanoTime() + KILL_TIMEOUT.toNanos();
        while (processes.stream().anyMatch(EmbeddedPostgres::runs)) {
            if (System.nanoTime() > deadline) {
                throw new IllegalStateException("PostgreSQL survived SIGKILL: " + processes);
            }
            LockSupport.parkNanos(POLL_NANOS);
        }
    }

    /** Unlike {@link ProcessHandle#isAlive()}, false for unreaped dead processes. */
    private static boolean runs(ProcessHandle process) {
        return process.info().command().isPresent();
    }

    private static List<ProcessHandle> tree(ProcessHandle postmaster) {
        return Stream.concat(Stream.of(postmaster), postmaster.descendants()).toList();
    }

    private static void signal(String signal, List<ProcessHandle> processes) {
        List<String> line = new ArrayList<>(List.of("sh", "-c", "kill -$0 \"$@\" 2>&1", signal));
        processes.forEach(process -> line.add(Long.toString(process.pid())));
        Command.run(line);
    }

    /**
     * A free port outside the range that the system assigns to outgoing connections. While the server is down, a client
     * that retries could be assigned the same port, connect to itself and keep the server from its port.
     */
    static int freePort() throws IOException {
        while (true) {
            int port = ThreadLocalRandom.current().nextInt(FREE_PORT_MIN, FREE_PORT_MAX);
            try (ServerSocket socket = new ServerSocket(port, 1, InetAddress.getLoopbackAddress())) {
                return socket.getLocalPort();
            } catch (java.net.BindException e) {
                LOG.trace("Port {} is taken", port, e);
            }
        }
    }

    private static EmbeddedPostgresException notStarted(IOException cause, String whatToDo) {
        return new EmbeddedPostgresException("The embedded PostgreSQL could not be started.", cause, whatToDo);
    }
}
