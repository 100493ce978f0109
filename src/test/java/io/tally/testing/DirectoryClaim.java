package io.tally.testing;

import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import org.jspecify.annotations.Nullable;

/** The right of one live JVM to a directory; it ends with the JVM, however that ends. */
final class DirectoryClaim implements AutoCloseable {

    /**
     * Asked before the file is opened: where locks are POSIX locks, closing a second channel to the file drops the lock
     * that the first one holds.
     */
    private static final Set<Path> CLAIMED_HERE = ConcurrentHashMap.newKeySet();

    private final Path directory;
    private final FileChannel channel;

    private DirectoryClaim(Path directory, FileChannel channel) {
        this.directory = directory;
        this.channel = channel;
    }

    /** The claim, or null where this or another live JVM has it. The directory must exist. */
    static @Nullable DirectoryClaim tryClaim(Path directory) throws IOException {
        Path real = directory.toRealPath();
        if (!CLAIMED_HERE.add(real)) {
            return null;
        }
        DirectoryClaim claim = null;
        try {
            claim = tryLock(real);
        } finally {
            if (claim == null) {
                CLAIMED_HERE.remove(real);
            }
        }
        return claim;
    }

    private static @Nullable DirectoryClaim tryLock(Path directory) throws IOException {
        FileChannel channel = FileChannel.open(file(directory), StandardOpenOption.CREATE, StandardOpenOption.WRITE);
        boolean locked = false;
        try {
            locked = channel.tryLock() != null;
        } finally {
            if (!locked) {
                channel.close();
            }
        }
        return locked ? new DirectoryClaim(directory, channel) : null;
    }

    /** The lock file. */
    Path file() {
        return file(directory);
    }

    private static Path file(Path directory) {
        return directory.resolve("lock");
    }

    @Override
    public void close() throws IOException {
        try {
            channel.close();
        } finally {
            CLAIMED_HERE.remove(directory);
        }
    }
}
