package io.tally.testing;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import org.yaml.snakeyaml.LoaderOptions;
import org.yaml.snakeyaml.constructor.SafeConstructor;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ObjectNode;

/** YAML as trees of JSON, which is what Kubernetes makes of it. A key that stands twice in a mapping is refused. */
public final class Yaml {

    private static final JsonMapper JSON = new JsonMapper();

    private Yaml() {}

    /** The documents of a file. */
    public static List<JsonNode> read(Path file) {
        try {
            return parse(Files.readString(file));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        } catch (RuntimeException e) {
            throw new IllegalArgumentException(file + ": " + e.getMessage(), e);
        }
    }

    /** The documents of a text. */
    public static List<JsonNode> parse(String text) {
        LoaderOptions strict = new LoaderOptions();
        strict.setAllowDuplicateKeys(false);
        List<JsonNode> documents = new ArrayList<>();
        for (Object document : new org.yaml.snakeyaml.Yaml(new SafeConstructor(strict)).loadAll(text)) {
            if (document != null) {
                documents.add(JSON.valueToTree(document));
            }
        }
        return documents;
    }

    /** The same, where there is one document and it is a mapping. */
    public static ObjectNode object(String text) {
        List<JsonNode> documents = parse(text);
        if (documents.size() == 1 && documents.getFirst() instanceof ObjectNode object) {
            return object;
        }
        throw new IllegalArgumentException("not one mapping: " + text);
    }

    /** An empty mapping. */
    public static ObjectNode object() {
        return Objects.requireNonNull(JSON.createObjectNode());
    }
}
