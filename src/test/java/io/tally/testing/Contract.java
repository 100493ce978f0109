package io.tally.testing;

import static java.util.Objects.requireNonNull;

import com.atlassian.oai.validator.OpenApiInteractionValidator;
import com.atlassian.oai.validator.model.Request.Method;
import com.atlassian.oai.validator.model.SimpleRequest;
import com.atlassian.oai.validator.model.SimpleResponse;
import com.atlassian.oai.validator.report.LevelResolver;
import com.atlassian.oai.validator.report.MessageResolver;
import com.atlassian.oai.validator.report.ValidationReport;
import com.atlassian.oai.validator.report.ValidationReport.Level;
import com.atlassian.oai.validator.schema.SchemaValidator;
import io.swagger.parser.OpenAPIParser;
import io.swagger.v3.core.util.Json;
import io.swagger.v3.oas.models.OpenAPI;
import io.swagger.v3.oas.models.Operation;
import io.swagger.v3.oas.models.media.ArraySchema;
import io.swagger.v3.oas.models.media.MediaType;
import io.swagger.v3.oas.models.media.Schema;
import io.swagger.v3.oas.models.parameters.Parameter;
import io.swagger.v3.oas.models.responses.ApiResponse;
import io.swagger.v3.parser.core.models.ParseOptions;
import io.swagger.v3.parser.core.models.SwaggerParseResult;
import io.tally.testing.ContractPaths.Resource;
import io.tally.testing.Int64Schemas.Form;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * The OpenAPI file, held against what clients of the tests send and receive: every response, and every request that
 * succeeds. A response that the file does not describe fails the test that sees it. {@code HEAD} counts as {@code GET}
 * without a body.
 *
 * <p>Status, media type and header fields are checked each time. A body is validated, which takes some milliseconds, if
 * it is one of the first of its operation, status and {@linkplain JsonShape shape}: tests send hundreds of thousands of
 * requests that differ in their numbers only. 64-bit numbers are strings in a response that says so, and may be strings
 * in every request. Safe for use by many threads.
 */
public final class Contract {

    /** The file, in the tree of sources. */
    public static final Path FILE = Path.of("src/main/resources/openapi.yaml");

    /** How many bodies of one operation, status and shape are validated. */
    private static final int SAMPLES_MAX = 10;

    private static final String PROBLEM = "application/problem+json";

    /** Fields of HTTP itself, and those that the file describes once for all responses. */
    private static final Set<String> GENERIC_FIELDS = Set.of(
            "connection",
            "content-length",
            "content-type",
            "date",
            "ratelimit",
            "ratelimit-policy",
            "transfer-encoding");

    /** Spring Boot's, which names fewer methods in {@code Allow} than there are. */
    private static final Set<String> PROBES = Set.of("/livez", "/readyz");

    /** Pages and probes ignore their query. */
    private static final List<String> IGNORE_QUERY = List.of("/docs", "/livez", "/problems/", "/readyz");

    /** Ports that do not serve the API. */
    private static final Set<Integer> OTHER_PORTS = ConcurrentHashMap.newKeySet();

    private static final LevelResolver LEVELS = LevelResolver.create()
            // The file says itself which objects are closed.
            .withLevel("validation.schema.additionalProperties", Level.IGNORE)
            .withLevel("validation.request.parameter.query.unexpected", Level.ERROR)
            .withLevel("validation.request.accept", Level.IGNORE)
            .build();

    private final OpenAPI api;
    private final ContractPaths paths;
    private final Validators numbers;
    private final Validators strings;
    private final Validators either;
    private final Map<String, ApiResponse> otherResponses;
    private final Map<String, AtomicInteger> samples = new ConcurrentHashMap<>();
    private final Map<String, Set<String>> seen = new ConcurrentHashMap<>();

    /** The validators for one form of 64-bit numbers. */
    private record Validators(OpenApiInteractionValidator exchanges, SchemaValidator bodies, OpenAPI api) {

        static Validators of(OpenAPI api) {
            return new Validators(
                    OpenApiInteractionValidator.createFor(api)
                            .withLevelResolver(LEVELS)
                            .build(),
                    new SchemaValidator(api, new MessageResolver(LEVELS)),
                    api);
        }

        static Validators of(Form form) {
            return of(parse(Int64Schemas.in(form).toString(), FILE + " with numbers as " + form));
        }
    }

    private static final class Shared {
        private static final Contract ONE = new Contract();
    }

    private Contract() {
        api = parse(FILE);
        paths = new ContractPaths(api);
        numbers = Validators.of(api);
        strings = Validators.of(Form.STRING);
        either = Validators.of(Form.BOTH);
        otherResponses = otherResponses(api);
    }

    /** A file as a model, whose references are resolved. */
    public static OpenAPI parse(Path file) {
        try {
            return parse(Files.readString(file), file.toString());
        } catch (IOException unreadable) {
            throw new UncheckedIOException(unreadable);
        }
    }

    private static OpenAPI parse(String text, String what) {
        ParseOptions options = new ParseOptions();
        options.setResolve(true);
        options.setResolveFully(true);
        options.setResolveCombinators(false);
        SwaggerParseResult parsed = new OpenAPIParser().readContents(text, null, options);
        if (!parsed.getMessages().isEmpty()) {
            throw new IllegalStateException(what + ": " + parsed.getMessages());
        }
        OpenAPI api = parsed.getOpenAPI();
        parameters(api).forEach(Contract::markArray);
        return api;
    }

    private static Stream<Parameter> parameters(OpenAPI api) {
        return api.getPaths().values().stream()
                .flatMap(path -> path.readOperations().stream())
                .flatMap(operation -> Stream.ofNullable(operation.getParameters()))
                .flatMap(List::stream);
    }

    /** The validator looks for an array's type where OpenAPI 3.0 has it. */
    private static void markArray(Parameter parameter) {
        Schema<?> schema = parameter.getSchema();
        if (schema.getTypes() != null && schema.getTypes().contains("array")) {
            Schema<?> array = new ArraySchema()
                    .items(schema.getItems())
                    .minItems(schema.getMinItems())
                    .maxItems(schema.getMaxItems())
                    .uniqueItems(schema.getUniqueItems());
            array.addType("array");
            parameter.setSchema(array);
        }
    }

    private static Map<String, ApiResponse> otherResponses(OpenAPI api) {
        Map<String, ApiResponse> responses = new TreeMap<>();
        Yaml.read(FILE)
                .getFirst()
                .at("/x-other-responses/responses")
                .properties()
                .forEach(response -> responses.put(
                        response.getKey(),
                        api.getComponents()
                                .getResponses()
                                .get(lastSegment(
                                        response.getValue().path("$ref").asString()))));
        return responses;
    }

    /** The name of the component that a reference is to. */
    private static String lastSegment(String reference) {
        return reference.substring(reference.lastIndexOf('/') + 1);
    }

    /** The contract of all tests of this JVM. */
    public static Contract shared() {
        return Shared.ONE;
    }

    /** Says that the API is not there: its paths mean something else. */
    static void exempt(URI server) {
        OTHER_PORTS.add(server.getPort());
    }

    /** Says that the API is there, on a port that may have been another server's before. */
    static void require(URI server) {
        OTHER_PORTS.remove(server.getPort());
    }

    /**
     * Checks an exchange with a server of the API.
     *
     * @throws AssertionError where the file does not describe it
     */
    public static void check(URI server, Exchange exchange) {
        // An operator may have Actuator on the port of the API. The console's own paths are no part of the API.
        boolean other =
                exchange.path().startsWith("/actuator/") || exchange.path().matches("/console(/.*)?");
        if (!other && !OTHER_PORTS.contains(server.getPort())) {
            shared().check(exchange.withoutCors());
        }
    }

    /**
     * Checks an event of a stream.
     *
     * @param fields the header fields of the response, with names in lower case
     * @param json the event as the file shows it
     * @throws AssertionError where the file does not describe it
     */
    static void checkEvent(String target, Map<String, List<String>> fields, String json) {
        Exchange opening = new Exchange("GET", target, Map.of(), "", 200, fields, null);
        shared().requireNone(opening, shared().checkItem(opening, json));
    }

    /** The operations, and for each the statuses that the file describes and those that tests saw. */
    public record Coverage(String operation, Set<String> described, Set<String> seen) {

        /** The statuses that no test saw. */
        public Set<String> unseen() {
            return described.stream()
                    .filter(status -> !seen.contains(status))
                    .collect(Collectors.toCollection(TreeSet::new));
        }
    }

    /** What the tests of this JVM saw so far. */
    public List<Coverage> coverage() {
        Stream<Coverage> operations = api.getPaths().values().stream()
                .flatMap(path -> path.readOperations().stream())
                .map(operation -> coverage(
                        operation.getOperationId(), operation.getResponses().keySet()));
        return Stream.concat(operations, Stream.of(coverage("", otherResponses.keySet())))
                .toList();
    }

    private Coverage coverage(String operation, Set<String> described) {
        return new Coverage(operation, described, Set.copyOf(seen.getOrDefault(operation, Set.of())));
    }

    /** What keeps an example of the file from being one of its schema; empty where nothing does. */
    public List<String> violations(Object example, Schema<?> schema) {
        return errors(numbers.bodies().validate(Json.pretty(example), schema, "response.body"), false);
    }

    /** The file as a model. */
    public OpenAPI api() {
        return api;
    }

    void check(Exchange exchange) {
        requireNone(exchange, violations(exchange));
    }

    private void requireNone(Exchange exchange, List<String> violations) {
        if (!violations.isEmpty()) {
            throw new AssertionError(
                    "openapi.yaml does not describe " + exchange + "\n  " + String.join("\n  ", violations));
        }
    }

    /** What the file does not describe; empty where it describes all of it. */
    List<String> violations(Exchange exchange) {
        Resource resource = paths.find(exchange);
        Operation operation = resource == null ? null : resource.operation(exchange.method());
        return resource == null || operation == null
                ? ofNoOperation(resource, exchange)
                : ofOperation(resource.path(), operation, exchange);
    }

    // ---- requests that an operation handles

    private List<String> ofOperation(String path, Operation operation, Exchange exchange) {
        String status = Integer.toString(exchange.status());
        ApiResponse response = operation.getResponses().get(status);
        if (response == null) {
            return List.of(operation.getOperationId() + " has no status " + status);
        }
        seen.computeIfAbsent(operation.getOperationId(), id -> ConcurrentHashMap.newKeySet())
                .add(status);
        List<String> found = new ArrayList<>(undescribedFields(response, exchange));
        found.addAll(ofResponse(path, operation, response, exchange));
        if (exchange.isSuccess()) {
            found.addAll(ofRequest(path, operation, exchange));
        }
        return found;
    }

    private List<String> undescribedFields(ApiResponse response, Exchange exchange) {
        Set<String> described = response.getHeaders() == null
                ? Set.of()
                : response.getHeaders().keySet().stream()
                        .map(name -> name.toLowerCase(Locale.ROOT))
                        .collect(Collectors.toSet());
        return exchange.fields().keySet().stream()
                .filter(name -> !described.contains(name) && !GENERIC_FIELDS.contains(name))
                .map(name -> "the response has " + name)
                .toList();
    }

    private List<String> ofResponse(String path, Operation operation, ApiResponse response, Exchange exchange) {
        String body = exchange.body();
        List<String> found = new ArrayList<>();
        boolean stream = itemSchema(response, exchange.mediaType()) != null;
        String shape = body == null || stream ? "" : JsonShape.of(body);
        if (isSample(operation, exchange, exchange.fields().keySet() + shape)) {
            var answer = new SimpleResponse.Builder(exchange.status());
            exchange.fields().forEach(answer::withHeader);
            if (body != null && !body.isEmpty()) {
                answer.withBody(body);
            }
            found.addAll(errors(
                    validators(exchange)
                            .exchanges()
                            .validateResponse(path, Method.valueOf(withBody(exchange.method())), answer.build()),
                    // A stream may have no items.
                    body == null || stream));
        }
        if (stream && body != null) {
            ContractStreams.items(exchange.mediaType(), body)
                    .forEach(item -> found.addAll(checkItem(operation, response, exchange, item)));
        }
        return found;
    }

    /** Numbers are strings where the response says so. */
    private Validators validators(Exchange exchange) {
        return exchange.field("preference-applied").contains("int64=string") ? strings : numbers;
    }

    private static String withBody(String method) {
        return method.equals("HEAD") ? "GET" : method;
    }

    /** Whether a body is one of the first of its kind. */
    private boolean isSample(Operation operation, Exchange exchange, String shape) {
        String kind = operation.getOperationId() + " " + exchange.status() + " " + exchange.mediaType() + shape;
        AtomicInteger count = samples.computeIfAbsent(kind, first -> new AtomicInteger());
        return count.get() < SAMPLES_MAX && count.getAndIncrement() < SAMPLES_MAX;
    }

    private static List<String> errors(ValidationReport report, boolean bodyUnknown) {
        return report.getMessages().stream()
                .filter(message -> message.getLevel() == Level.ERROR)
                .filter(message -> !(bodyUnknown && message.getKey().endsWith(".body.missing")))
                .map(message -> message.getKey() + ": " + message.getMessage())
                .toList();
    }

    // ---- items of streams

    private static @Nullable Object itemSchema(ApiResponse response, String mediaType) {
        MediaType content =
                response.getContent() == null ? null : response.getContent().get(mediaType);
        return content == null || content.getExtensions() == null
                ? null
                : content.getExtensions().get("x-item-schema");
    }

    private List<String> checkItem(Exchange opening, String item) {
        Resource resource = paths.find(opening);
        Operation operation = resource == null ? null : resource.operation(opening.method());
        ApiResponse response =
                operation == null ? null : operation.getResponses().get("200");
        return operation == null || response == null
                ? List.of("no operation has this stream")
                : checkItem(operation, response, opening, item);
    }

    private List<String> checkItem(Operation operation, ApiResponse response, Exchange exchange, String item) {
        Object reference = itemSchema(response, exchange.mediaType());
        if (reference == null) {
            return List.of(operation.getOperationId() + " has no stream of " + exchange.mediaType());
        }
        if (!isSample(operation, exchange, "item " + JsonShape.of(item))) {
            return List.of();
        }
        Validators form = validators(exchange);
        return errors(form.bodies().validate(item, schema(form.api(), reference), "response.body"), false).stream()
                .map(error -> "item " + item + ": " + error)
                .toList();
    }

    private static Schema<?> schema(OpenAPI api, Object extension) {
        String reference = String.valueOf(((Map<?, ?>) extension).get("$ref"));
        return requireNonNull(api.getComponents().getSchemas().get(lastSegment(reference)));
    }

    // ---- requests that succeeded

    private List<String> ofRequest(String path, Operation operation, Exchange exchange) {
        String body = requestBody(operation, exchange);
        if (!isSample(
                operation, exchange, "request " + parameters(exchange) + (body == null ? "" : JsonShape.of(body)))) {
            return List.of();
        }
        String query = IGNORE_QUERY.stream().anyMatch(exchange.path()::startsWith) ? "" : exchange.query();
        var request = new SimpleRequest.Builder(
                Method.valueOf(withBody(exchange.method())), ContractPaths.concrete(path, exchange.path()));
        ContractPaths.parameters(query)
                .forEach((name, values) -> request.withQueryParam(name, ContractPaths.withoutBlanks(values)));
        boolean hasBody = body != null && !body.isEmpty();
        exchange.requestFields().forEach((name, values) -> {
            // A field without a value says nothing, and nor does the type of an empty body.
            if (!values.equals(List.of("")) && (hasBody || !name.equals("content-type"))) {
                request.withHeader(name, String.join(", ", values));
            }
        });
        if (hasBody) {
            request.withBody(body);
        } else {
            // The validator requires a type even then.
            request.withHeader("content-type", "application/json");
        }
        return errors(either.exchanges().validateRequest(request.build()), body == null);
    }

    /** The body that the file describes; {@code null} where it is not known or not described. */
    private static @Nullable String requestBody(Operation operation, Exchange exchange) {
        String body = exchange.requestBody();
        String answer = exchange.body();
        if (operation.getRequestBody() == null) {
            // Not read.
            return "";
        }
        if (body == null
                || !exchange.requestField("content-encoding").isEmpty()
                // Malformed items succeed as a request, and each has its problem in the response.
                || (answer != null && (answer.contains("\"problem\"") || answer.contains("\"firstProblems\":[{")))) {
            return null;
        }
        // A byte order mark is ignored. In texts whose characters are bytes it is three of them.
        return body.startsWith("\uFEFF")
                ? body.substring(1)
                : body.startsWith("\u00EF\u00BB\u00BF") ? body.substring(3) : body;
    }

    private static Collection<String> parameters(Exchange exchange) {
        return Stream.concat(
                        ContractPaths.parameters(exchange.query()).keySet().stream(),
                        exchange.requestFields().keySet().stream())
                .toList();
    }

    // ---- requests that no operation handles

    private List<String> ofNoOperation(@Nullable Resource resource, Exchange exchange) {
        String status = Integer.toString(exchange.status());
        ApiResponse response = otherResponses.get(status);
        if (response == null) {
            return List.of("no operation, and x-other-responses has no status " + status);
        }
        seen.computeIfAbsent("", none -> ConcurrentHashMap.newKeySet()).add(status);
        List<String> found = new ArrayList<>(undescribedFields(response, exchange));
        MediaType problem =
                response.getContent() == null ? null : response.getContent().get(PROBLEM);
        if (problem != null && !exchange.mediaType().equals(PROBLEM)) {
            found.add("the media type is not " + PROBLEM);
        } else if (problem != null && exchange.body() != null) {
            found.addAll(
                    errors(numbers.bodies().validate(exchange.body(), problem.getSchema(), "response.body"), false));
        }
        if (resource != null && exchange.fields().containsKey("allow")) {
            Set<String> allowed = new TreeSet<>(List.of(exchange.field("allow").split(" *, *", -1)));
            boolean probe = PROBES.contains(resource.path());
            if (!(probe ? resource.methods().containsAll(allowed) : allowed.equals(resource.methods()))) {
                found.add("Allow is " + allowed + ", and the file has " + resource.methods());
            }
        }
        return found;
    }
}
