package io.tally.bulk;

import io.tally.counter.Command;
import io.tally.counter.CounterId;
import io.tally.counter.IdempotencyKey;
import io.tally.counter.Operation.Increment;
import io.tally.counter.Precondition;
import io.tally.http.Bodies;
import io.tally.http.ProblemException;
import io.tally.http.ProblemType;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.springframework.http.ProblemDetail;
import tools.jackson.core.JacksonException;
import tools.jackson.core.JsonParser;
import tools.jackson.core.JsonToken;
import tools.jackson.databind.json.JsonMapper;

/**
 * Reads {@code {"namespace":"a","name":"b","delta":1,"key":"c"}}, where the key may be left out. Straight from the
 * tokens: a stream brings hundreds of thousands of them a second.
 */
final class IncrementItems implements LineItems<IncrementItem> {

    private static final int ARRAY_MAX = 1_000;
    private static final int TRANSACTION_MAX = 100;

    private final JsonMapper json;
    private final @Nullable IdempotencyKey requestKey;

    /** @param requestKey what the whole request is called: an item without a key of its own is called by its line */
    IncrementItems(JsonMapper json, @Nullable IdempotencyKey requestKey) {
        this.json = json;
        this.requestKey = requestKey;
    }

    @Override
    public IncrementItem refused(long line, ProblemDetail problem) {
        return IncrementItem.refused(line, problem);
    }

    @Override
    public IncrementItem line(byte[] bytes, int from, int length, long line) {
        try (JsonParser parser = json.createParser(bytes, from, length)) {
            parser.nextToken();
            IncrementItem item = item(parser, line);
            return parser.nextToken() == null
                    ? item
                    : IncrementItem.refused(line, ProblemType.MALFORMED, "A line holds one JSON object.");
        } catch (JacksonException malformed) {
            return IncrementItem.refused(line, ProblemType.MALFORMED, "The line is not JSON.");
        }
    }

    /**
     * An array of items.
     *
     * @throws ProblemException where it is none, or too long
     */
    List<IncrementItem> array(byte[] bytes) {
        return Bodies.read(json, bytes, parser -> items(parser, ARRAY_MAX));
    }

    /**
     * The increments of {@code {"increments":[…]}}, which have no keys.
     *
     * @throws ProblemException where it is something else, one of them is malformed, or there are none or too many
     */
    List<Increment> transaction(byte[] bytes) {
        List<IncrementItem> items = Bodies.read(json, bytes, this::transactionItems);
        if (items.isEmpty()) {
            throw Bodies.malformed("A transaction has 1 to " + TRANSACTION_MAX + " increments.");
        }
        return items.stream().map(IncrementItems::ofTransaction).toList();
    }

    private List<IncrementItem> transactionItems(JsonParser parser) {
        if (parser.currentToken() != JsonToken.START_OBJECT) {
            throw Bodies.malformed("The body is a JSON object.");
        }
        List<IncrementItem> items = List.of();
        while (parser.nextToken() == JsonToken.PROPERTY_NAME) {
            if (!parser.currentName().equals("increments")) {
                throw Bodies.malformed("A transaction has increments, nothing else.");
            }
            parser.nextToken();
            items = items(parser, TRANSACTION_MAX);
        }
        return items;
    }

    private static Increment ofTransaction(IncrementItem item) {
        Command command = item.command();
        String place = "increments[" + (item.line() - 1) + "]: ";
        if (command == null || !(command.operation() instanceof Increment increment)) {
            ProblemDetail problem = item.problem();
            throw Bodies.malformed(place + (problem == null ? "" : problem.getDetail()));
        }
        if (command.key() != null) {
            throw Bodies.malformed(place + "A transaction has one key, that of the request.");
        }
        return increment;
    }

    private List<IncrementItem> items(JsonParser parser, int max) {
        return Bodies.array(parser, max, "increments", line -> item(parser, line));
    }

    /** The item that begins at the parser's token, read to its end even where it is refused. */
    private IncrementItem item(JsonParser parser, long line) {
        if (parser.currentToken() != JsonToken.START_OBJECT) {
            parser.skipChildren();
            return IncrementItem.refused(line, ProblemType.MALFORMED, "An increment is a JSON object.");
        }
        Fields fields = new Fields();
        while (parser.nextToken() == JsonToken.PROPERTY_NAME) {
            String name = parser.currentName();
            parser.nextToken();
            fields.read(name, parser);
            parser.skipChildren();
        }
        try {
            return new IncrementItem(line, fields.command(line), null);
        } catch (ProblemException | IllegalArgumentException refused) {
            return IncrementItem.refused(line, ProblemType.MALFORMED, String.valueOf(refused.getMessage()));
        }
    }

    /** What was read of one item. */
    private final class Fields {

        private @Nullable String namespace;
        private @Nullable String name;
        private @Nullable String key;
        private @Nullable String wrong;
        private boolean hasDelta;
        private long delta;

        void read(String field, JsonParser parser) {
            switch (field) {
                case "namespace" -> namespace = text(field, parser);
                case "name" -> name = text(field, parser);
                case "key" -> key = text(field, parser);
                case "delta" -> readDelta(parser);
                default -> refuse("An increment has namespace, name, delta and key, nothing else.");
            }
        }

        private void readDelta(JsonParser parser) {
            if (parser.currentToken() == JsonToken.VALUE_NUMBER_INT
                    && parser.getNumberType() != JsonParser.NumberType.BIG_INTEGER) {
                hasDelta = true;
                delta = parser.getLongValue();
            } else {
                refuse("'delta' is a whole number of 64 bits.");
            }
        }

        private @Nullable String text(String field, JsonParser parser) {
            if (parser.currentToken() == JsonToken.VALUE_STRING) {
                return parser.getString();
            }
            refuse("'" + field + "' is a string.");
            return null;
        }

        private void refuse(String why) {
            if (wrong == null) {
                wrong = why;
            }
        }

        Command command(long line) {
            if (wrong != null) {
                throw new IllegalArgumentException(wrong);
            }
            if (namespace == null || name == null || !hasDelta) {
                throw new IllegalArgumentException("An increment has a namespace, a name and a delta.");
            }
            CounterId counter = new CounterId(namespace, name);
            return Command.of(new Increment(counter, delta, Precondition.NONE), key(counter, line));
        }

        private @Nullable IdempotencyKey key(CounterId counter, long line) {
            if (key != null) {
                return IdempotencyKey.of(counter.namespace(), key);
            }
            return requestKey == null ? null : requestKey.line(line);
        }
    }
}
