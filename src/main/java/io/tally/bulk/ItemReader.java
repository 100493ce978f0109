package io.tally.bulk;

import io.tally.http.Bodies;
import io.tally.http.ProblemException;
import java.util.List;
import tools.jackson.core.JacksonException;
import tools.jackson.core.JsonParser;
import tools.jackson.databind.json.JsonMapper;

/**
 * Reads the items of a request from their JSON tokens. For one request, one item at a time.
 *
 * @param <T> what a valid item holds
 */
public abstract class ItemReader<T> {

    private static final int ARRAY_MAX = 1_000;

    final JsonMapper json;
    private final String plural;
    private final String jsonType;

    /**
     * A reader for one request.
     *
     * @param plural the noun for the items in messages
     * @param jsonType the JSON type of one item in messages: object, string
     */
    protected ItemReader(JsonMapper json, String plural, String jsonType) {
        this.json = json;
        this.plural = plural;
        this.jsonType = jsonType;
    }

    /** The item that begins at the parser's token. Reads to its end, even if the item is malformed. */
    protected abstract BulkItem<T> item(JsonParser parser, long line);

    /** The item of one line. Never throws. */
    final BulkItem<T> line(byte[] bytes, int from, int length, long line) {
        try (JsonParser parser = json.createParser(bytes, from, length)) {
            parser.nextToken();
            BulkItem<T> item = item(parser, line);
            return parser.nextToken() == null
                    ? item
                    : BulkItem.malformed(line, "A line must contain one JSON " + jsonType + ".");
        } catch (JacksonException malformed) {
            return BulkItem.malformed(line, "The line is not JSON.");
        }
    }

    /**
     * The items of an array.
     *
     * @throws ProblemException if the body is not an array, or too long
     */
    final List<BulkItem<T>> array(byte[] bytes) {
        return Bodies.read(json, bytes, parser -> items(parser, ARRAY_MAX));
    }

    /** The items of the array that begins at the parser's token. */
    final List<BulkItem<T>> items(JsonParser parser, int max) {
        return Bodies.array(parser, max, plural, line -> item(parser, line));
    }
}
