package io.tally.testing;

import io.swagger.v3.oas.models.OpenAPI;
import io.swagger.v3.oas.models.Operation;
import io.swagger.v3.oas.models.media.MediaType;
import io.swagger.v3.oas.models.parameters.Parameter;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.stream.Stream;

/** An operation of the OpenAPI file. */
public record ApiOperation(String method, String path, Operation operation) {

    /** All operations. */
    public static Stream<ApiOperation> all() {
        OpenAPI api = Contract.shared().api();
        List<ApiOperation> all = new ArrayList<>();
        api.getPaths()
                .forEach((path, item) -> item.readOperationsMap()
                        .forEach((method, operation) -> all.add(new ApiOperation(method.name(), path, operation))));
        return all.stream();
    }

    /** Whether the operation has the status. */
    public boolean has(int status) {
        return operation.getResponses().containsKey(Integer.toString(status));
    }

    /** Whether requests need credentials, where the access mode wants them. */
    public boolean needsCredentials() {
        return operation.getSecurity() == null;
    }

    private boolean hasBody() {
        return operation.getRequestBody() != null;
    }

    /** The example of the JSON body, the first if there are several, empty where the operation has no body. */
    public String body() {
        if (!hasBody()) {
            return "";
        }
        MediaType json =
                Objects.requireNonNull(operation.getRequestBody().getContent().get("application/json"));
        Object example = json.getExample() == null
                ? json.getExamples().values().iterator().next().getValue()
                : json.getExample();
        return example.toString();
    }

    /** The path and the query that is required, with these values or the examples of the file. */
    public String target(Map<String, String> values) {
        String target = path;
        String query = "";
        for (Parameter parameter : operation.getParameters()) {
            String value = values.getOrDefault(parameter.getName(), String.valueOf(parameter.getExample()));
            if (parameter.getIn().equals("path")) {
                target = target.replace("{" + parameter.getName() + "}", value);
            } else if (parameter.getIn().equals("query") && Boolean.TRUE.equals(parameter.getRequired())) {
                query = "?" + parameter.getName() + "=" + value.replaceAll("[^\\w-]", "");
            }
        }
        return target + query;
    }

    /** The id of the operation. */
    @Override
    public String toString() {
        return operation.getOperationId();
    }
}
