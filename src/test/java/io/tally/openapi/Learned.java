package io.tally.openapi;

import io.tally.testing.RawHttp.Response;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.JsonNode;

/** Ids, tokens and cursors of the responses so far. Requests that are generated before have places for them. */
final class Learned {

    private static final Pattern PLACE = Pattern.compile("<([a-z]+):([0-9]+)>");
    private static final int MAX = 30;

    private final Map<String, List<String>> values = new HashMap<>();

    /** A place for one of the values of a kind. */
    static String place(String kind, int number) {
        return "<" + kind + ":" + number + ">";
    }

    /** Whether a text has a place. */
    static boolean isPlace(String text) {
        return PLACE.matcher(text).find();
    }

    /**
     * A text with its places filled; {@code null} where there is no value yet.
     *
     * @param scope where a value is valid: those of another namespace or list do not fit
     */
    @Nullable
    String fill(String text, String scope) {
        Matcher place = PLACE.matcher(text);
        StringBuilder filled = new StringBuilder();
        while (place.find()) {
            List<String> known = values.getOrDefault(place.group(1) + " " + scope, List.of());
            if (known.isEmpty()) {
                return null;
            }
            String value = known.get(Integer.parseInt(place.group(2)) % known.size());
            place.appendReplacement(filled, Matcher.quoteReplacement(Percent.strictly(value)));
        }
        return place.appendTail(filled).toString();
    }

    /** Learns from a response. */
    void learn(FuzzedRequest request, Response response) {
        String location = response.header("Location");
        int slash = location.lastIndexOf('/');
        if (slash > 0) {
            learn("id " + location.substring(0, slash), location.substring(slash + 1));
        }
        if (response.header("Content-Type").equals("application/json") && response.status() < 300) {
            try {
                JsonNode body = response.json();
                learn("token " + request.scope("token"), body.path("token").asString(""));
                learn("cursor " + request.scope("cursor"), body.path("next").asString(""));
            } catch (JacksonException compressed) {
                // Not read.
            }
        }
    }

    private void learn(String kind, String value) {
        if (!value.isEmpty()) {
            List<String> known = values.computeIfAbsent(kind, first -> new ArrayList<>());
            known.addFirst(value);
            if (known.size() > MAX) {
                known.removeLast();
            }
        }
    }
}
