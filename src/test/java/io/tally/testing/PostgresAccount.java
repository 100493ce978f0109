package io.tally.testing;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/**
 * The user that PostgreSQL runs as: the current user, or another user instead of root, which PostgreSQL refuses.
 *
 * @param prefix what a command line starts with to run as that user
 * @param uid who must own PostgreSQL's files
 * @param gid their group
 */
record PostgresAccount(List<String> prefix, int uid, int gid) {

    private static final int ROOT = 0;
    private static final int UNPRIVILEGED = 65_534;

    /** Chooses the user for a directory: its owner, where that is not root, so that its files stay its owner's. */
    static PostgresAccount forDirectory(Path directory) throws IOException {
        int self = ownUid();
        if (self != ROOT) {
            return new PostgresAccount(List.of(), self, /* gid= */ -1);
        }
        List<String> refusals = new ArrayList<>();
        for (PostgresAccount candidate : candidates(directory)) {
            Command trial = candidate.tryToReach(directory);
            if (trial.succeeded()) {
                return candidate;
            }
            refusals.add("%s: %s".formatted(String.join(" ", candidate.prefix), trial.output()));
        }
        throw new EmbeddedPostgresException(
                "PostgreSQL does not run as root, and no other user could be taken for %s.".formatted(directory),
                String.join("\n", refusals),
                "Run this as an ordinary user, or let -Dtally.embedded.directory=/some/reachable/directory"
                        + " (or TALLY_EMBEDDED_DIRECTORY) name a place that others can reach.");
    }

    /** The user that this JVM runs as. */
    static int ownUid() {
        return Integer.parseInt(Command.run(List.of("id", "-u")).output());
    }

    private static List<PostgresAccount> candidates(Path directory) throws IOException {
        int owner = (int) Files.getAttribute(directory, "unix:uid");
        int group = (int) Files.getAttribute(directory, "unix:gid");
        return owner == ROOT
                ? List.of(strippedRoot(), user(UNPRIVILEGED, UNPRIVILEGED))
                : List.of(user(owner, group), strippedRoot(), user(UNPRIVILEGED, UNPRIVILEGED));
    }

    /** Root without privileges: in its own user namespace it has an unprivileged name, and still owns root's files. */
    private static PostgresAccount strippedRoot() {
        return new PostgresAccount(List.of("unshare", "-U"), ROOT, ROOT);
    }

    private static PostgresAccount user(int uid, int gid) {
        return new PostgresAccount(
                List.of("setpriv", "--reuid=" + uid, "--regid=" + gid, "--clear-groups", "--"), uid, gid);
    }

    private Command tryToReach(Path directory) {
        String script = """
                test "$(id -u)" != 0 || { echo still root; exit 1; }
                test -x "$0" || { echo "user $(id -u) cannot enter $0"; exit 1; }
                """;
        return run(List.of("sh", "-c", script, directory.toString()));
    }

    /** Runs a command line as this user. */
    Command run(List<String> command) {
        List<String> line = new ArrayList<>(prefix);
        line.addAll(command);
        return Command.run(line);
    }

    /** Makes this user the owner of a file or of a directory with all that is in it. */
    void own(Path path) throws IOException {
        if ((int) Files.getAttribute(path, "unix:uid") == uid) {
            return;
        }
        Command chown = Command.run(List.of("chown", "-hR", uid + ":" + gid, path.toString()));
        if (!chown.succeeded()) {
            throw new IOException(chown.output());
        }
    }
}
