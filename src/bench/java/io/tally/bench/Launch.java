package io.tally.bench;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;

/** Writes down how the classes of this build are started: on which JDK, and with which class path. */
final class Launch {

    private Launch() {}

    /** Writes the files {@code java-home} and {@code classpath} into the directory that is the argument. */
    public static void main(String[] arguments) throws IOException {
        Path directory = Path.of(arguments[0]);
        Files.writeString(directory.resolve("java-home"), System.getProperty("java.home") + "\n");
        // An argument file of the JVM, which takes a backslash in quotes for an escape.
        String classPath = System.getProperty("java.class.path").replace("\\", "\\\\");
        Files.writeString(
                directory.resolve("classpath"), "--enable-native-access=ALL-UNNAMED\n-cp \"" + classPath + "\"\n");
    }
}
