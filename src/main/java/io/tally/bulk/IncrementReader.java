package io.tally.bulk;

import io.tally.bulk.BulkItem.Forbidden;
import io.tally.bulk.BulkItem.Malformed;
import io.tally.bulk.BulkItem.Valid;
import io.tally.counter.Command;
import io.tally.counter.CounterId;
import io.tally.counter.IdempotencyKey;
import io.tally.counter.NewCounter;
import io.tally.counter.Operation.Increment;
import io.tally.counter.Precondition;
import io.tally.http.Action;
import io.tally.http.Bodies;
import io.tally.http.CounterBodies;
import io.tally.http.ProblemException;
import io.tally.http.ProblemType;
import io.tally.idempotency.LineKeys;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;
import tools.jackson.core.JsonParser;
import tools.jackson.core.JsonToken;
import tools.jackson.databind.json.JsonMapper;

/**
 * Reads {@code {"namespace":"a","name":"b","delta":1}}, optionally with {@code key}, {@code defaults} and {@code
 * atMost}. Reads the tokens directly, since a stream has hundreds of thousands of items per second.
 */
final class IncrementReader extends ItemReader<Command> {

    private final Predicate<String> isWritable;
    private final LineKeys requestKeys;

    /**
     * @param isWritable whether the caller may write in a namespace
     * @param requestKeys the keys of the whole request; an item without its own key gets a key derived from one of
     *     them and its line
     */
    IncrementReader(JsonMapper json, Predicate<String> isWritable, LineKeys requestKeys) {
        super(json, "increments", "object");
        this.isWritable = isWritable;
        this.requestKeys = requestKeys;
    }

    @Override
    protected BulkItem<Command> item(JsonParser parser, long line) {
        if (parser.currentToken() != JsonToken.START_OBJECT) {
            parser.skipChildren();
            return BulkItem.malformed(line, "An increment must be a JSON object.");
        }
        Fields fields = new Fields();
        while (parser.nextToken() == JsonToken.PROPERTY_NAME) {
            String name = parser.currentName();
            parser.nextToken();
            fields.read(name, parser);
            parser.skipChildren();
        }
        try {
            Command command = fields.command(line);
            if (!fields.isPermitted()) {
                return fields.forbidden(line);
            }
            return fields.hasKnownKey()
                    ? new Valid<>(line, command)
                    : new Malformed<>(line, ProblemType.STORE_UNAVAILABLE, "Nothing was applied.");
        } catch (ProblemException | IllegalArgumentException refused) {
            return BulkItem.malformed(line, String.valueOf(refused.getMessage()));
        }
    }

    /** The fields of one item. */
    private final class Fields {

        private @Nullable String namespace;
        private @Nullable String name;
        private @Nullable String key;
        private @Nullable String wrong;
        private boolean hasDelta;
        private long delta;
        private NewCounter defaults = NewCounter.DEFAULT;
        private boolean atMost;

        void read(String field, JsonParser parser) {
            switch (field) {
                case "namespace" -> namespace = text(field, parser);
                case "name" -> name = text(field, parser);
                case "key" -> key = text(field, parser);
                case "delta" -> readDelta(parser);
                case "defaults", "atMost" -> readOption(field, parser);
                default ->
                    refuse("An increment must have no members but 'namespace', 'name', 'delta', 'key', 'defaults' and"
                            + " 'atMost'.");
            }
        }

        private void readDelta(JsonParser parser) {
            if (parser.currentToken() == JsonToken.VALUE_NUMBER_INT
                    && parser.getNumberType() != JsonParser.NumberType.BIG_INTEGER) {
                setDelta(parser.getLongValue());
                return;
            }
            Long digits = parser.currentToken() == JsonToken.VALUE_STRING ? Bodies.int64(parser.getString()) : null;
            if (digits == null) {
                refuse("'delta' must be a 64-bit integer.");
            } else {
                setDelta(digits);
            }
        }

        private void readOption(String field, JsonParser parser) {
            try {
                if (field.equals("atMost")) {
                    atMost = Bodies.bool(field, parser);
                } else {
                    defaults = CounterBodies.defaults(parser.readValueAsTree());
                }
            } catch (ProblemException refused) {
                refuse(String.valueOf(refused.getMessage()));
            }
        }

        private void setDelta(long number) {
            hasDelta = true;
            delta = number;
        }

        private @Nullable String text(String field, JsonParser parser) {
            if (parser.currentToken() == JsonToken.VALUE_STRING) {
                return parser.getString();
            }
            refuse("'" + field + "' must be a string.");
            return null;
        }

        private void refuse(String why) {
            if (wrong == null) {
                wrong = why;
            }
        }

        boolean isPermitted() {
            return namespace != null && isWritable.test(namespace);
        }

        /** Without the records of the shard, the item could count a second time. */
        boolean hasKnownKey() {
            return key != null || namespace == null || requestKeys.isKnown(namespace);
        }

        BulkItem<Command> forbidden(long line) {
            return new Forbidden<>(line, Action.WRITE, String.valueOf(namespace));
        }

        Command command(long line) {
            if (wrong != null) {
                throw new IllegalArgumentException(wrong);
            }
            if (namespace == null || name == null || !hasDelta) {
                throw new IllegalArgumentException("An increment must have 'namespace', 'name' and 'delta'.");
            }
            CounterId counter = new CounterId(namespace, name);
            return Command.of(new Increment(counter, delta, defaults, atMost, Precondition.NONE), key(counter, line));
        }

        private @Nullable IdempotencyKey key(CounterId counter, long line) {
            if (key != null) {
                return IdempotencyKey.of(counter.namespace(), key);
            }
            IdempotencyKey requestKey = requestKeys.of(counter.namespace());
            return requestKey == null ? null : requestKey.line(line);
        }
    }
}
