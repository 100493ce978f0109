package io.tally.testing;

import java.io.File;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;

/** A program that ran to its end: its exit code, and what it printed to either stream. */
public record Command(int exitCode, String output) {

    /** More than any command here waits by itself ({@code pg_ctl -t 60}). */
    private static final Duration TIMEOUT = Duration.ofSeconds(90);

    /** As of a shell: the program was not found or cannot be executed. */
    private static final int CANNOT_EXECUTE = 126;

    /** Whether its exit code is 0. */
    public boolean succeeded() {
        return exitCode == 0;
    }

    /** Runs a program; one that cannot be executed is a failed one, not an exception. */
    public static Command run(List<String> command) {
        return run(command, TIMEOUT);
    }

    /** Runs a program that may take that long. */
    public static Command run(List<String> command, Duration timeout) {
        try {
            // A file and not a pipe: a daemon that inherits a pipe keeps its reader waiting.
            Path output = Files.createTempFile("tally-command", ".out");
            try {
                return run(command, timeout, output);
            } finally {
                Files.deleteIfExists(output);
            }
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static Command run(List<String> command, Duration timeout, Path output) throws IOException {
        Process process;
        try {
            process = builder(command, output).start();
        } catch (IOException e) {
            return new Command(CANNOT_EXECUTE, String.valueOf(e.getMessage()));
        }
        try {
            if (!process.waitFor(timeout.toSeconds(), TimeUnit.SECONDS)) {
                process.destroyForcibly();
                return new Command(
                        CANNOT_EXECUTE, "No end after " + timeout.toSeconds() + " s: " + String.join(" ", command));
            }
        } catch (InterruptedException e) {
            process.destroyForcibly();
            Thread.currentThread().interrupt();
            return new Command(CANNOT_EXECUTE, "Interrupted: " + String.join(" ", command));
        }
        return new Command(process.exitValue(), new String(Files.readAllBytes(output), StandardCharsets.UTF_8).strip());
    }

    private static ProcessBuilder builder(List<String> command, Path output) {
        ProcessBuilder builder = new ProcessBuilder(command)
                // The caller's directory may be closed to the user that the command switches to.
                .directory(new File("/"))
                .redirectErrorStream(true)
                .redirectInput(new File("/dev/null"))
                .redirectOutput(output.toFile());
        Map<String, String> environment = builder.environment();
        // PGDATA, PGPORT, PGOPTIONS and the like belong to another server.
        environment.keySet().removeIf(name -> name.startsWith("PG"));
        environment.put("LC_ALL", "C");
        return builder;
    }
}
