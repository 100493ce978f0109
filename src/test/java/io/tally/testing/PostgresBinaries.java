package io.tally.testing;

import java.io.IOException;
import java.io.InputStream;
import java.nio.file.FileSystemException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.attribute.PosixFilePermissions;
import java.security.DigestInputStream;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;
import java.util.Locale;
import org.apache.commons.compress.archivers.tar.TarArchiveEntry;
import org.apache.commons.compress.archivers.tar.TarArchiveInputStream;
import org.jspecify.annotations.Nullable;
import org.springframework.util.FileSystemUtils;
import org.tukaani.xz.XZInputStream;

/** PostgreSQL's programs for this platform, unpacked from the class path once for each content. */
final class PostgresBinaries {

    private static final int DIGEST_BYTES = 6;

    private PostgresBinaries() {}

    /**
     * Unpacks into a directory named for the content, below the given one; a complete one is used as it is. Several
     * JVMs may do so at once.
     *
     * @return the directory that holds {@code bin}
     */
    static Path unpackInto(Path directory) throws IOException {
        String resource = "/postgres-%s.txz".formatted(platform());
        Path unpacked = directory.resolve("postgresql-" + digest(resource));
        if (Files.isDirectory(unpacked)) {
            return unpacked;
        }
        Path unfinished = Files.createTempDirectory(directory, "unpacking");
        try {
            unpack(resource, unfinished);
            makeReadableByAll(unfinished);
            Files.move(unfinished, unpacked, StandardCopyOption.ATOMIC_MOVE);
        } catch (FileSystemException e) {
            // Another JVM was faster, and its copy is as good.
            if (!Files.isDirectory(unpacked)) {
                throw e;
            }
        } finally {
            FileSystemUtils.deleteRecursively(unfinished);
        }
        return unpacked;
    }

    private static String platform() {
        String system = System.getProperty("os.name", "").toLowerCase(Locale.ROOT);
        String architecture = System.getProperty("os.arch", "");
        String systemName = system.contains("linux") ? "linux" : system.contains("mac") ? "darwin" : system;
        String architectureName = switch (architecture) {
            case "amd64", "x86_64" -> "x86_64";
            case "aarch64", "arm64" -> "arm_64";
            default -> architecture;
        };
        return systemName + "-" + architectureName;
    }

    private static InputStream open(String resource) {
        @Nullable InputStream input = PostgresBinaries.class.getResourceAsStream(resource);
        if (input == null) {
            throw new EmbeddedPostgresException(
                    "There is no embedded PostgreSQL for this platform (%s)."
                            .formatted(resource.substring(1, resource.lastIndexOf('.'))),
                    "",
                    "Start a PostgreSQL of your own and name it in TALLY_DATABASE_URL.");
        }
        return input;
    }

    private static String digest(String resource) throws IOException {
        try (InputStream input = open(resource);
                DigestInputStream digested = new DigestInputStream(input, MessageDigest.getInstance("SHA-256"))) {
            digested.transferTo(java.io.OutputStream.nullOutputStream());
            return HexFormat.of().formatHex(digested.getMessageDigest().digest(), 0, DIGEST_BYTES);
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException(e);
        }
    }

    private static void unpack(String resource, Path directory) throws IOException {
        try (TarArchiveInputStream archive = new TarArchiveInputStream(new XZInputStream(open(resource)))) {
            for (TarArchiveEntry entry = archive.getNextEntry(); entry != null; entry = archive.getNextEntry()) {
                Path path = directory.resolve(entry.getName()).normalize();
                if (!path.startsWith(directory)) {
                    throw new IOException("An entry leads out of the archive: " + entry.getName());
                }
                unpack(archive, entry, path);
            }
        }
    }

    private static void unpack(TarArchiveInputStream archive, TarArchiveEntry entry, Path path) throws IOException {
        Files.createDirectories(entry.isDirectory() ? path : path.resolveSibling("."));
        if (entry.isSymbolicLink()) {
            Files.createSymbolicLink(path, Path.of(entry.getLinkName()));
        } else if (entry.isFile()) {
            Files.copy(archive, path);
            boolean executable = (entry.getMode() & 0b001_000_000) != 0;
            Files.setPosixFilePermissions(
                    path, PosixFilePermissions.fromString(executable ? "rwxr-xr-x" : "rw-r--r--"));
        }
    }

    /** A umask, or the creation as a temporary directory, may have closed them to the user PostgreSQL runs as. */
    private static void makeReadableByAll(Path directory) throws IOException {
        try (var paths = Files.walk(directory)) {
            for (Path path : (Iterable<Path>) paths.filter(Files::isDirectory)::iterator) {
                Files.setPosixFilePermissions(path, PosixFilePermissions.fromString("rwxr-xr-x"));
            }
        }
    }
}
