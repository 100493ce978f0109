package io.tally.name;

import io.tally.bulk.LineItems;
import io.tally.counter.IdempotencyKey;
import io.tally.http.Bodies;
import io.tally.http.ProblemType;
import io.tally.http.Problems;
import java.util.List;
import java.util.concurrent.ThreadLocalRandom;
import org.jspecify.annotations.Nullable;
import org.springframework.http.ProblemDetail;
import tools.jackson.core.JacksonException;
import tools.jackson.core.JsonParser;
import tools.jackson.core.JsonToken;
import tools.jackson.databind.json.JsonMapper;

/**
 * Reads names, which are JSON strings.
 *
 * @param folded see {@link NameKey#of}
 * @param key of the whole request. A name that the request creates is recognized by its place in the request: a retry
 *     gets the same response, with {@code created} as it was, for as long as the name exists. Nothing else is stored:
 *     another request under the same key is carried out like any other.
 */
record NameItems(
        JsonMapper json,
        String namespace,
        boolean folded,
        @Nullable IdempotencyKey key) implements LineItems<NameItem> {

    private static final int ARRAY_MAX = 1_000;

    @Override
    public NameItem line(byte[] bytes, int from, int length, long line) {
        try (JsonParser parser = json.createParser(bytes, from, length)) {
            parser.nextToken();
            NameItem item = item(parser, line);
            return parser.nextToken() == null ? item : malformed("A line holds one JSON string.");
        } catch (JacksonException malformed) {
            return malformed("The line is not JSON.");
        }
    }

    /**
     * An array of names.
     *
     * @throws io.tally.http.ProblemException where it is none, or too long
     */
    List<NameItem> array(byte[] bytes) {
        return Bodies.read(
                json, bytes, parser -> Bodies.array(parser, ARRAY_MAX, "names", place -> item(parser, place)));
    }

    /** The item that begins at the parser's token, read to its end even where it is refused. */
    private NameItem item(JsonParser parser, long place) {
        if (parser.currentToken() != JsonToken.VALUE_STRING) {
            parser.skipChildren();
            return malformed("A name is a JSON string.");
        }
        String name = parser.getString();
        try {
            return new NameItem(new Wanted(NameKey.of(namespace, name, folded), name, creator(place)), null);
        } catch (IllegalArgumentException refused) {
            return malformed(String.valueOf(refused.getMessage()));
        }
    }

    private long creator(long place) {
        return key == null
                ? ThreadLocalRandom.current().nextLong()
                : key.line(place).digest();
    }

    private NameItem malformed(String detail) {
        return new NameItem(null, Problems.shared(ProblemType.MALFORMED, detail));
    }

    @Override
    public NameItem refused(long line, ProblemDetail problem) {
        return new NameItem(null, problem);
    }
}
