package io.tally.monitoring;

import io.tally.testing.Yaml;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/** What {@code k8s} says of rules, dashboard and runbooks. */
final class Monitoring {

    static final Path COMPONENT = Path.of("k8s", "components", "monitoring");
    static final Path RUNBOOKS = Path.of("k8s", "runbooks");

    private static final JsonMapper JSON = new JsonMapper();

    /** A metric's name with what selects among its series; values of labels may hold braces. */
    private static final Pattern SELECTOR =
            Pattern.compile("[a-zA-Z_:][a-zA-Z0-9_:]*\\{(?:[^}\"]|\"[^\"]*\")*}|\\btally:[a-z0-9_:]+(?![a-z0-9_:{])");

    private Monitoring() {}

    /** A rule; one of {@code alert} and {@code record} is empty. */
    record Rule(String alert, String record, String expression, JsonNode labels, JsonNode annotations) {}

    /** A panel that shows something. */
    record Panel(String title, JsonNode json) {

        /** What it asks for, variables included. */
        List<String> expressions() {
            return children(json, "targets").map(target -> text(target, "expr")).toList();
        }

        @Override
        public String toString() {
            return title;
        }
    }

    /** The rules as Prometheus reads them from a file: JSON is YAML, too. */
    static JsonNode ruleFile() {
        return yaml(COMPONENT.resolve("prometheus-rule.yaml")).path("spec");
    }

    /** All rules, in their order. */
    static List<Rule> rules() {
        return children(ruleFile(), "groups")
                .flatMap(group -> children(group, "rules"))
                .map(rule -> new Rule(
                        text(rule, "alert"),
                        text(rule, "record"),
                        text(rule, "expr"),
                        rule.path("labels"),
                        rule.path("annotations")))
                .toList();
    }

    /** The rules that alert. */
    static List<Rule> alerts() {
        return rules().stream().filter(rule -> !rule.alert().isEmpty()).toList();
    }

    /** The dashboard as Grafana reads it. */
    static JsonNode dashboard() {
        return JSON.readTree(text(COMPONENT.resolve("dashboard.json")));
    }

    /** The panels, rows left out. */
    static List<Panel> panels() {
        return children(dashboard(), "panels")
                .filter(panel -> !text(panel, "type").equals("row"))
                .map(panel -> new Panel(text(panel, "title"), panel))
                .toList();
    }

    /** The files of the rules' own tests. */
    static List<Path> ruleTests() {
        return files(COMPONENT.resolve("tests"));
    }

    /** The files of a directory, in order. */
    static List<Path> files(Path directory) {
        try (Stream<Path> files = Files.list(directory)) {
            return files.sorted().toList();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** The lines of a page's examples in a language, comments and blank lines left out. */
    static List<String> examples(Path page, String language) {
        Matcher blocks =
                Pattern.compile("(?ms)^```" + language + "\\n(.*?)^```$").matcher(text(page));
        return blocks.results()
                .flatMap(block -> block.group(1).lines())
                .map(line -> line.replaceFirst("\\s*--.*", ""))
                .filter(line -> !line.isBlank())
                .toList();
    }

    /** What an expression selects, each as it stands there. */
    static List<String> selectors(String expression) {
        List<String> selectors = new ArrayList<>();
        Matcher matcher = SELECTOR.matcher(expression);
        while (matcher.find()) {
            selectors.add(matcher.group());
        }
        return selectors;
    }

    static Stream<JsonNode> children(JsonNode parent, String name) {
        return parent.path(name).valueStream();
    }

    static String text(JsonNode parent, String name) {
        return parent.path(name).asString("");
    }

    static JsonNode yaml(Path file) {
        return Yaml.read(file).getFirst();
    }

    static String text(Path file) {
        try {
            return Files.readString(file);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
