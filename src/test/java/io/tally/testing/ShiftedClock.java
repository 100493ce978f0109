package io.tally.testing;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Stream;

/** The library libfaketime, which shifts the wall clock of a process. Its monotonic clock stays. */
public final class ShiftedClock {

    /** What a machine needs for it. */
    public static final String REQUIREMENT =
            "libfaketime is needed: .ci/build unpacks it into target/faketime on Debian and Ubuntu";

    private static final String LIBRARY = "faketime/libfaketimeMT.so.1";

    /** Of an installed package, and of one that was unpacked. */
    private static final List<Path> ROOTS =
            List.of(Path.of("/usr/lib"), Path.of("target/faketime/usr/lib").toAbsolutePath());

    private ShiftedClock() {}

    /** Whether this machine has the library. */
    public static boolean isAvailable() {
        return library().isPresent();
    }

    /** The environment of a process whose clock is ahead by that time. */
    static Map<String, String> environment(Duration ahead) {
        return Map.of(
                "LD_PRELOAD",
                library()
                        .orElseThrow(() -> new IllegalStateException(REQUIREMENT))
                        .toString(),
                "FAKETIME",
                "%+ds".formatted(ahead.toSeconds()),
                // The JVM measures its time-outs by the monotonic clock, and hangs if the library changes them.
                "FAKETIME_DONT_FAKE_MONOTONIC",
                "1",
                "FAKETIME_FORCE_MONOTONIC_FIX",
                "0");
    }

    /** Packages have it in a directory of the architecture. */
    private static Optional<Path> library() {
        return ROOTS.stream()
                .filter(Files::isDirectory)
                .flatMap(ShiftedClock::directories)
                .map(directory -> directory.resolve(LIBRARY))
                .filter(Files::exists)
                .findFirst();
    }

    private static Stream<Path> directories(Path root) {
        try (Stream<Path> directories = Files.list(root)) {
            return directories.toList().stream();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
