package io.tally.openapi;

import static org.assertj.core.api.Assertions.assertThat;

import io.swagger.v3.oas.models.OpenAPI;
import io.swagger.v3.oas.models.examples.Example;
import io.swagger.v3.oas.models.media.MediaType;
import io.swagger.v3.oas.models.media.Schema;
import io.tally.http.ProblemType;
import io.tally.testing.Contract;
import io.tally.testing.Yaml;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.openapitools.openapidiff.core.OpenApiCompare;
import org.openapitools.openapidiff.core.model.ChangedOpenApi;
import tools.jackson.databind.JsonNode;

/** The OpenAPI file by itself, and compared with its baseline: the file of the last release. */
class OpenApiTest {

    private static final Path BASELINE = Path.of("src/test/resources/openapi-baseline.yaml");

    private static JsonNode file() {
        return Yaml.read(Contract.FILE).getFirst();
    }

    // ---- the baseline

    private static boolean isCompatible(Path file) {
        ChangedOpenApi changes = OpenApiCompare.fromSpecifications(Contract.parse(BASELINE), Contract.parse(file));
        return changes.isCompatible();
    }

    @Test
    void noClientOfTheBaselineBreaks() {
        assertThat(isCompatible(Contract.FILE))
                .as("%s changes the contract for clients of %s", Contract.FILE, BASELINE)
                .isTrue();
    }

    /** A change of the file, as a text and what it becomes. */
    record Change(String what, String before, String after) {

        @Override
        public String toString() {
            return what;
        }
    }

    static Stream<Change> changesThatBreakClients() {
        String key = "      name: Idempotency-Key\n      in: header\n      required: ";
        String body = "\n        content:\n          application/json:\n"
                + "            schema: {$ref: \"#/components/schemas/NewCounter\"}";
        return Stream.of(
                new Change("an operation is gone", "  /v1/audits:", "  /v1/other:"),
                new Change("a parameter becomes required", key + "false", key + "true"),
                new Change(
                        "a member of a response may be missing",
                        "required: [value, version, delta]",
                        "required: [value, version]"),
                new Change("a body becomes required", "required: false" + body, "required: true" + body));
    }

    @ParameterizedTest
    @MethodSource("changesThatBreakClients")
    void changeThatBreaksClientsIsFound(Change change, @TempDir Path directory) throws IOException {
        String text = Files.readString(BASELINE);
        String changed = text.replace(change.before(), change.after());
        assertThat(changed).isNotEqualTo(text);
        Path file = Files.writeString(directory.resolve("openapi.yaml"), changed);
        assertThat(isCompatible(file)).isFalse();
    }

    // ---- what is described

    @Test
    void everyTypeOfProblemIsDescribed() {
        List<String> described = Stream.of(file().at("/components/schemas/ProblemSlug/enum"))
                .flatMap(slugs -> slugs.values().stream())
                .map(JsonNode::asString)
                .toList();
        assertThat(described)
                .containsExactlyInAnyOrderElementsOf(Arrays.stream(ProblemType.values())
                        .map(type -> type.name().toLowerCase(Locale.ROOT).replace('_', '-'))
                        .toList());
        String schemas = file().at("/components/schemas").toString();
        assertThat(described).allMatch(slug -> schemas.contains("\"/problems/" + slug + "\""));
    }

    @Test
    void everyOperationHasANameASummaryAndATag() {
        OpenAPI api = Contract.parse(Contract.FILE);
        List<String> tags = api.getTags().stream().map(tag -> tag.getName()).toList();
        assertThat(api.getPaths().values().stream().flatMap(path -> path.readOperations().stream()))
                .isNotEmpty()
                .allSatisfy(operation -> {
                    assertThat(operation.getOperationId()).matches("[a-z][A-Za-z]+");
                    assertThat(operation.getSummary()).endsWith(".");
                    assertThat(operation.getTags()).hasSize(1).isSubsetOf(tags);
                    assertThat(operation.getParameters()).allMatch(parameter -> parameter.getExample() != null);
                })
                .extracting(operation -> operation.getOperationId())
                .doesNotHaveDuplicates();
    }

    @Test
    void everyMediaTypeHasAnExampleAndEveryStreamItsItems() {
        List<JsonNode> contents = file().findValues("content");
        assertThat(contents)
                .hasSizeGreaterThan(70)
                .allSatisfy(content -> content.properties().forEach(type -> {
                    assertThat(type.getValue().has("example") || type.getValue().has("examples"))
                            .as("%s", type)
                            .isTrue();
                    boolean stream = type.getKey().matches(".*(ndjson|jsonl|event-stream)");
                    assertThat(type.getValue().has("x-item-schema"))
                            .as("%s", type)
                            .isEqualTo(stream);
                }));
    }

    @Test
    void examplesAreWhatTheFileDescribes() {
        List<Content> contents = contents(Contract.shared().api());
        assertThat(contents).hasSizeGreaterThan(300);
        for (Content content : contents) {
            for (Object example : content.examples()) {
                assertThat(Contract.shared().violations(example, content.schema()))
                        .as("%s %s", content.where(), example)
                        .isEmpty();
            }
        }
    }

    /** A body in JSON, and its examples. */
    private record Content(String where, Schema<?> schema, List<Object> examples) {}

    private static List<Content> contents(OpenAPI api) {
        List<Content> contents = new ArrayList<>();
        api.getPaths().values().stream()
                .flatMap(path -> path.readOperations().stream())
                .forEach(operation -> {
                    if (operation.getRequestBody() != null) {
                        add(
                                operation.getOperationId(),
                                operation.getRequestBody().getContent(),
                                contents);
                    }
                    operation
                            .getResponses()
                            .forEach((status, response) ->
                                    add(operation.getOperationId() + " " + status, response.getContent(), contents));
                });
        return contents;
    }

    private static void add(
            String where, io.swagger.v3.oas.models.media.@Nullable Content types, List<Content> contents) {
        if (types != null) {
            types.forEach((type, media) -> {
                if (type.endsWith("json") && !type.endsWith("ndjson")) {
                    contents.add(new Content(where, media.getSchema(), examples(media)));
                }
            });
        }
    }

    private static List<Object> examples(MediaType media) {
        return media.getExamples() == null
                ? List.of(media.getExample())
                : media.getExamples().values().stream().map(Example::getValue).toList();
    }

    @Test
    void objectsOfResponsesAreClosed() {
        assertThat(file().at("/components/schemas").properties())
                .filteredOn(schema -> schema.getValue().has("properties"))
                // The base of all problems, each of which is closed.
                .filteredOn(schema -> !schema.getKey().equals("Problem"))
                .allSatisfy(schema -> assertThat(
                                schema.getValue().path("additionalProperties").isBoolean()
                                        || schema.getValue()
                                                .path("unevaluatedProperties")
                                                .isBoolean())
                        .as("%s", schema.getKey())
                        .isTrue());
    }

    @Test
    void nothingIsElsewhere() throws IOException {
        assertThat(Files.readString(Contract.FILE)).doesNotContain("http://", "https://");
        for (String page : List.of("index.html", "docs.js")) {
            String text = Files.readString(Path.of("src/main/resources/docs", page));
            assertThat(text).doesNotContain("//\"", "http:", "https:", "src=\"/", "href=\"/", " style=", " onload=");
        }
    }
}
