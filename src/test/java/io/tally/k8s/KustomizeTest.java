package io.tally.k8s;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.tally.testing.Yaml;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.regex.Pattern;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import tools.jackson.databind.JsonNode;

/**
 * The tests' reading of the manifests is that of kustomize. Skipped where there is no kubectl with kustomize 5, unless
 * {@code -Dtally.test.kustomize=required}.
 */
class KustomizeTest {

    /** The hash that kustomize puts to the names of what it generates. */
    private static final Pattern HASH = Pattern.compile("\\b(tally-[a-z-]+)-[0-9a-z]{10}\\b");

    @ParameterizedTest
    @MethodSource("io.tally.k8s.Overlays#directories")
    void isThatOfKustomize(Path overlay) throws Exception {
        String rendered = kustomize(overlay);

        assertThat(HASH.matcher(rendered).find())
                .as("generated names have a hash")
                .isTrue();
        assertThat(byName(new Kustomize().render(overlay)))
                .isEqualTo(byName(Yaml.parse(HASH.matcher(rendered).replaceAll("$1"))));
    }

    private static Map<String, JsonNode> byName(List<? extends JsonNode> objects) {
        Map<String, JsonNode> byName = new TreeMap<>();
        objects.forEach(object -> byName.put(Manifest.describe(object), object));
        return byName;
    }

    private static String kustomize(Path overlay) throws IOException, InterruptedException {
        if (!System.getProperty("tally.test.kustomize", "").equals("required")) {
            assumeTrue(isThere(), "no kubectl with kustomize 5 is here: the manifests were read by the tests alone");
        }
        return kubectl("kustomize", overlay.toString());
    }

    private static boolean isThere() throws InterruptedException {
        try {
            return Yaml.object(kubectl("version", "--client", "--output=json"))
                    .path("kustomizeVersion")
                    .asString("")
                    .startsWith("v5.");
        } catch (IOException notThere) {
            return false;
        }
    }

    private static String kubectl(String... arguments) throws IOException, InterruptedException {
        List<String> line = new ArrayList<>(List.of("kubectl"));
        line.addAll(List.of(arguments));
        Process process = new ProcessBuilder(line)
                .redirectError(ProcessBuilder.Redirect.INHERIT)
                .start();
        String output = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        assertThat(process.waitFor()).as("%s", line).isZero();
        return output;
    }
}
