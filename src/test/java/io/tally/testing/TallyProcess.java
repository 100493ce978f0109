package io.tally.testing;

import io.tally.TallyApplication;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;

/** The service in a process of its own, to be killed. Keeps its port from one start to the next. */
public final class TallyProcess implements AutoCloseable {

    /** A process inherits the signals that it ignores: a shell has its background jobs ignore Ctrl-C. */
    private static final List<String> DEFAULT_SIGNALS =
            Files.exists(Path.of("/proc")) ? List.of("env", "--default-signal=INT") : List.of();

    private static final Duration START_MAX = Duration.ofMinutes(3);

    /** Ports that this JVM has given to processes: one that is free at the moment may be meant for another of them. */
    private static final Set<Integer> PORTS = ConcurrentHashMap.newKeySet();

    private final Database database;
    private final int port;
    private final int managementPort;
    private final Path log;
    private final Map<String, String> environment;
    private final List<String> settings;
    private Process process;

    private TallyProcess(
            Database database,
            int port,
            int managementPort,
            Path log,
            Map<String, String> environment,
            List<String> settings)
            throws IOException {
        this.database = database;
        this.environment = environment;
        this.settings = settings;
        this.port = port;
        this.managementPort = managementPort;
        this.log = log;
        this.process = launch();
    }

    /**
     * Starts it; returns when it is ready.
     *
     * @param settings each as on the command line: {@code --key=value}
     */
    public static TallyProcess start(Database database, String... settings) throws IOException, InterruptedException {
        TallyProcess started = launch(database, settings);
        started.awaitReady();
        return started;
    }

    /** Starts it and returns at once. */
    public static TallyProcess launch(Database database, String... settings) throws IOException {
        return launch(database, Map.of(), settings);
    }

    /** Starts it with a clock that is ahead by that time, and returns at once. */
    public static TallyProcess launch(Database database, Duration ahead) throws IOException {
        return launch(database, ShiftedClock.environment(ahead));
    }

    private static TallyProcess launch(Database database, Map<String, String> environment, String... settings)
            throws IOException {
        return new TallyProcess(
                database,
                freePort(),
                freePort(),
                Files.createTempFile("tally-process", ".log"),
                environment,
                List.of(settings));
    }

    private static int freePort() throws IOException {
        int port = EmbeddedPostgres.freePort();
        return PORTS.add(port) ? port : freePort();
    }

    /** Where the API is. */
    public URI uri() {
        return URI.create("http://127.0.0.1:" + port);
    }

    /** Where the Actuator is. */
    public URI managementUri() {
        URI uri = URI.create("http://127.0.0.1:" + managementPort);
        Contract.exempt(uri);
        return uri;
    }

    /** The id of the process. */
    public long pid() {
        return process.pid();
    }

    /** What it has written so far. */
    public List<String> log() throws IOException {
        return Files.readAllLines(log);
    }

    /** Kills it at once, as a power failure would, and starts it again; returns when it is ready. */
    public void killAndRestart() throws IOException, InterruptedException {
        process.destroyForcibly().waitFor();
        process = launch();
        awaitReady();
    }

    /** Asks it to stop, as SIGTERM does, and waits for its end; the exit code. */
    public int stop() throws InterruptedException {
        process.destroy();
        return process.waitFor();
    }

    /** Waits until its log has a line with this text. */
    public void awaitLog(String text) throws InterruptedException {
        Clients.await(text + " in " + log, START_MAX, () -> {
            try {
                return log().stream().anyMatch(line -> line.contains(text));
            } catch (IOException e) {
                throw new UncheckedIOException(e);
            }
        });
    }

    /** Sends a signal, such as {@code INT}. */
    public void signal(String name) {
        Command kill = Command.run(List.of("kill", "-" + name, String.valueOf(process.pid())));
        if (!kill.succeeded()) {
            throw new IllegalStateException(kill.output());
        }
    }

    /** Waits for its end; the exit code. */
    public int awaitEnd() throws InterruptedException {
        if (!process.waitFor(START_MAX)) {
            throw new AssertionError("it still runs, see " + log);
        }
        return process.exitValue();
    }

    private Process launch() throws IOException {
        List<String> line = new ArrayList<>(DEFAULT_SIGNALS);
        line.addAll(command(port, managementPort));
        line.addAll(List.of(
                "--tally.database.url=" + database.url(),
                "--tally.database.username=" + database.username(),
                "--tally.database.password=" + database.password()));
        if (settings.stream().noneMatch(setting -> setting.startsWith("--" + TestShards.SETTING + "="))) {
            line.add("--" + TestShards.SETTING + "=" + TestShards.count());
        }
        line.addAll(settings);
        ProcessBuilder builder = new ProcessBuilder(line)
                .redirectErrorStream(true)
                .redirectOutput(ProcessBuilder.Redirect.appendTo(log.toFile()));
        builder.environment().putAll(environment);
        return builder.start();
    }

    /** The command line of the service on the loopback interface, without a database. */
    public static List<String> command(int port, int managementPort) {
        return List.of(
                ProcessHandle.current().info().command().orElse("java"),
                // For a quick start on a busy machine: nothing here is about speed.
                "-XX:TieredStopAtLevel=1",
                "-Xmx256m",
                "--enable-native-access=ALL-UNNAMED",
                "-cp",
                System.getProperty("java.class.path"),
                TallyApplication.class.getName(),
                "--server.address=127.0.0.1",
                "--server.port=" + port,
                "--management.server.address=127.0.0.1",
                "--management.server.port=" + managementPort);
    }

    /** Waits until it serves requests. */
    public void awaitReady() throws InterruptedException {
        Clients.await("ready, see " + log, START_MAX, this::isReady);
    }

    private boolean isReady() {
        if (!process.isAlive()) {
            throw new AssertionError("it ended with " + process.exitValue() + ", see " + log);
        }
        try {
            return new TallyClient(uri()).get("/readyz").status() == 200;
        } catch (UncheckedIOException notYet) {
            return false;
        }
    }

    /** Kills it. */
    @Override
    public void close() throws IOException {
        process.destroyForcibly();
        Files.deleteIfExists(log);
    }
}
