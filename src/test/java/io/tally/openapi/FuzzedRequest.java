package io.tally.openapi;

import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * A generated request. Each character of its texts stands for one byte.
 *
 * @param operation the operation of the OpenAPI file that it is near
 * @param segments the path, which may have places for what is {@link Learned}
 * @param query the parameters, encoded; those with a place that cannot be filled are left out
 * @param fields the lines of the head after the first
 * @param chunked whether the body is sent in chunks
 * @param dryRun whether the body says that nothing is to be applied
 * @param broken what differs from what the file describes; empty where nothing does
 */
record FuzzedRequest(
        String operation,
        String method,
        List<String> segments,
        List<String> query,
        String version,
        List<String> fields,
        String body,
        boolean chunked,
        boolean dryRun,
        List<String> broken) {

    /** Whether the file allows it. */
    boolean isAllowed() {
        return broken.isEmpty();
    }

    /** Whether the method is one that changes nothing, or the request is a dry run. */
    boolean isSafe() {
        return List.of("GET", "HEAD", "OPTIONS").contains(method) || (dryRun && isAllowed());
    }

    /** Where values of a kind are valid. */
    String scope(String kind) {
        return switch (kind) {
            case "token" -> segments.size() > 3 ? segments.get(3) : "";
            case "cursor" ->
                String.join("/", segments)
                        + query.stream()
                                .filter(parameter -> parameter.startsWith("sort") || parameter.startsWith("prefix"))
                                .toList();
            default ->
                String.join(
                        "/",
                        segments.stream()
                                .takeWhile(segment -> !Learned.isPlace(segment))
                                .toList());
        };
    }

    /** The bytes to send. */
    String bytes(Learned learned) {
        List<String> path = new ArrayList<>();
        for (String segment : segments) {
            String kind = segment.startsWith("<token") ? "token" : "id";
            path.add(Objects.requireNonNullElse(fill(learned, segment, kind), "absent"));
        }
        List<String> parameters = new ArrayList<>();
        for (String parameter : query) {
            String filled = fill(learned, parameter, "cursor");
            if (filled != null) {
                parameters.add(filled);
            }
        }
        String target = String.join("/", path) + (parameters.isEmpty() ? "" : "?" + String.join("&", parameters));
        StringBuilder bytes = new StringBuilder(method + " " + target + " " + version + "\r\n");
        fields.forEach(field -> bytes.append(field).append("\r\n"));
        return bytes.append("\r\n").append(chunked ? chunks() : body).toString();
    }

    private @Nullable String fill(Learned learned, String text, String kind) {
        return Learned.isPlace(text) ? learned.fill(text, scope(kind)) : text;
    }

    private String chunks() {
        StringBuilder chunks = new StringBuilder();
        int size = Math.max(1, body.length() / 3);
        for (int from = 0; from < body.length(); from += size) {
            String chunk = body.substring(from, Math.min(from + size, body.length()));
            chunks.append(Integer.toHexString(chunk.length()))
                    .append("\r\n")
                    .append(chunk)
                    .append("\r\n");
        }
        return chunks.append("0\r\n\r\n").toString();
    }

    @Override
    public String toString() {
        return operation + " " + broken + " " + method + " " + segments + " " + query + " " + fields + " "
                + body.substring(0, Math.min(body.length(), 400));
    }
}
