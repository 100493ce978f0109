package io.tally.testing;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.json.JsonMapper;

/** Bodies that are streams, as their items. */
final class ContractStreams {

    private static final JsonMapper JSON = new JsonMapper();

    private ContractStreams() {}

    /** The items of a whole body: its lines, or its events as the OpenAPI file shows them. */
    static List<String> items(String mediaType, String body) {
        return mediaType.equals("text/event-stream")
                ? events(body)
                : body.lines().toList();
    }

    private static List<String> events(String body) {
        List<String> events = new ArrayList<>();
        for (String block : body.split("\n\n", -1)) {
            String event = event(block.lines().toList());
            if (event != null) {
                events.add(event);
            }
        }
        return events;
    }

    /** An event as the OpenAPI file shows it; {@code null} for a comment. */
    static @Nullable String event(List<String> lines) {
        Map<String, Object> event = new LinkedHashMap<>();
        for (String line : lines) {
            String[] field = line.split(": ?", 2);
            if (!field[0].isEmpty()) {
                event.put(
                        field[0], field[0].equals("data") ? Objects.requireNonNull(JSON.readTree(field[1])) : field[1]);
            }
        }
        return event.isEmpty() ? null : JSON.writeValueAsString(event);
    }
}
