package io.tally;

import static org.assertj.core.api.Assertions.assertThat;

import io.tally.testing.Command;
import io.tally.testing.ProjectVersion;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** A release has one version, and the image that is published is the one that was tried. */
class ReleaseTest {

    private static final String TRIED = "sha256:1";
    private static final String NAME = "registry.example.com/tally";

    /** Answers as Docker would, with what the environment says of the image, and writes down how it was called. */
    private static final String DOCKER = """
            #!/bin/sh
            echo "$*" >> "${0%/*}/calls"
            case "$*" in
              *stand-in*) echo "$STAND_IN" ;;
              *revision*) echo "$REVISION" ;;
              *image.version*) echo "$VERSION" ;;
              *RepoDigests*) printf '%s\\n' registry.example.com/other@sha256:2 registry.example.com/tally@sha256:3 ;;
            esac
            """;

    @TempDir
    private Path project;

    private String revision = "";

    /** A project of its own: the scripts, a version and one commit. */
    @BeforeEach
    void commit() throws IOException {
        Files.createDirectories(project.resolve(".ci"));
        Files.createDirectories(project.resolve("target/image"));
        Files.createDirectories(project.resolve("bin"));
        for (String script : List.of(".ci/version", ".ci/publish")) {
            Files.copy(Path.of(script), project.resolve(script), StandardCopyOption.COPY_ATTRIBUTES);
        }
        Files.writeString(project.resolve("pom.xml"), "<project>\n  <version>0.1.0</version>\n</project>\n");
        Files.writeString(project.resolve("target/image/tried"), TRIED + "\n");
        Path docker = Files.writeString(project.resolve("bin/docker"), DOCKER);
        Files.setPosixFilePermissions(docker, PosixFilePermissions.fromString("rwxr-xr-x"));
        git("init", "--quiet");
        git("add", ".ci", "pom.xml");
        git("-c", "user.name=Test", "-c", "user.email=test@example.com", "commit", "--quiet", "--message", "Release");
        revision = git("rev-parse", "HEAD");
    }

    private String git(String... arguments) {
        List<String> command = new ArrayList<>(List.of("git", "-C", project.toString()));
        command.addAll(List.of(arguments));
        return succeeded(Command.run(command)).output();
    }

    private static Command succeeded(Command command) {
        assertThat(command.succeeded()).as(command.output()).isTrue();
        return command;
    }

    private Command publish(String version, String standIn, String revisionOfImage, String versionOfImage) {
        return Command.run(List.of(
                "env",
                "--unset=GITHUB_OUTPUT",
                "--unset=REGISTRY_TOKEN",
                "PATH=" + project.resolve("bin") + ":" + System.getenv("PATH"),
                "STAND_IN=" + standIn,
                "REVISION=" + revisionOfImage,
                "VERSION=" + versionOfImage,
                project.resolve(".ci/publish").toString(),
                NAME,
                version));
    }

    private List<String> callsOfDocker() throws IOException {
        Path calls = project.resolve("bin/calls");
        return Files.exists(calls) ? Files.readAllLines(calls) : List.of();
    }

    @Test
    void theTriedImageIsPushed() throws IOException {
        Command publish = succeeded(publish("v0.1.0", "", revision, "0.1.0"));

        assertThat(publish.output()).endsWith("image=" + NAME + "\ndigest=sha256:3");
        assertThat(callsOfDocker())
                .containsSubsequence("tag " + TRIED + " " + NAME + ":0.1.0", "push " + NAME + ":0.1.0")
                .noneMatch(call -> call.startsWith("build"));
    }

    @ParameterizedTest
    @CsvSource(textBlock = """
            v0.1.0, true, HEAD,       0.1.0,          a stand-in
            v0.1.0, '',   0000,       0.1.0,          revision 0000
            v0.1.0, '',   HEAD-dirty, 0.1.0,          -dirty
            v0.1.0, '',   HEAD,       0.1.0-SNAPSHOT, 0.1.0-SNAPSHOT
            v0.2.0, '',   HEAD,       0.2.0,          the tag is v0.2.0
            """)
    void anyOtherImageIsRefused(
            String version, String standIn, String revisionOfImage, String versionOfImage, String complaint)
            throws IOException {
        Command publish = publish(version, standIn, revisionOfImage.replace("HEAD", revision), versionOfImage);

        assertThat(publish.succeeded()).isFalse();
        assertThat(publish.output()).contains(complaint);
        assertThat(callsOfDocker()).noneMatch(call -> call.startsWith("push"));
    }

    @Test
    void anImageThatWasNotTriedIsRefused() throws IOException {
        Files.delete(project.resolve("target/image/tried"));

        Command publish = publish("v0.1.0", "", revision, "0.1.0");

        assertThat(publish.succeeded()).isFalse();
        assertThat(publish.output()).contains("found no tested image");
        assertThat(callsOfDocker()).isEmpty();
    }

    @Test
    void aSnapshotIsNotReleased() throws IOException {
        Files.writeString(project.resolve("pom.xml"), "<project>\n  <version>0.1.0-SNAPSHOT</version>\n</project>\n");

        Command version = Command.run(List.of(project.resolve(".ci/version").toString(), "v0.1.0-SNAPSHOT"));

        assertThat(version.succeeded()).isFalse();
        assertThat(version.output()).contains("without -SNAPSHOT");
    }

    @Test
    void theScriptReadsTheVersionOfThePom() throws Exception {
        Command version = succeeded(
                Command.run(List.of(Path.of(".ci/version").toAbsolutePath().toString())));

        assertThat(version.output()).matches("\\Q" + ProjectVersion.release() + "\\E(-SNAPSHOT)?");
    }

    @Test
    void theChangelogHasASectionOfTheVersion() throws Exception {
        String heading = "## [" + ProjectVersion.release() + "] - ";

        assertThat(Files.readAllLines(Path.of("src/docs/changelog.md"))).anyMatch(line -> line.startsWith(heading));
    }
}
