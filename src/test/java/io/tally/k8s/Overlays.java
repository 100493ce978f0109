package io.tally.k8s;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;

/** Where the manifests are. */
final class Overlays {

    /** Maven runs the tests in the project's directory. */
    static final Path ROOT = Path.of("k8s");

    private Overlays() {}

    /** What can be applied. */
    static List<Path> directories() throws IOException {
        try (Stream<Path> directories = Files.list(ROOT.resolve("overlays"))) {
            return directories.sorted().toList();
        }
    }
}
