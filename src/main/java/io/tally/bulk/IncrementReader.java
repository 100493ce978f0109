package io.tally.bulk;

import io.tally.bulk.BulkItem.Forbidden;
import io.tally.bulk.BulkItem.Malformed;
import io.tally.bulk.BulkItem.StreamIncomplete;
import io.tally.bulk.BulkItem.Valid;
import io.tally.counter.Command;
import io.tally.counter.CounterId;
import io.tally.counter.IdempotencyKey;
import io.tally.counter.Operation.Increment;
import io.tally.counter.Precondition;
import io.tally.http.Action;
import io.tally.http.Bodies;
import io.tally.http.Caller;
import io.tally.http.ProblemException;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.springframework.http.ProblemDetail;
import tools.jackson.core.JsonParser;
import tools.jackson.core.JsonToken;
import tools.jackson.databind.json.JsonMapper;

/**
 * Reads {@code {"namespace":"a","name":"b","delta":1,"key":"c"}}, with an optional key. Reads the tokens directly,
 * since a stream has hundreds of thousands of items per second.
 */
final class IncrementReader extends ItemReader<Command> {

    private static final int TRANSACTION_MAX = 100;

    private final Caller caller;
    private final @Nullable IdempotencyKey requestKey;

    /**
     * @param caller must be allowed to write in the namespace of each item
     * @param requestKey the key of the whole request; an item without its own key gets a key derived from it and its
     * line
     */
    IncrementReader(JsonMapper json, Caller caller, @Nullable IdempotencyKey requestKey) {
        super(json, "increments", "object");
        this.caller = caller;
        this.requestKey = requestKey;
    }

    /**
     * The increments of {@code {"increments":[…]}}, which have no keys.
     *
     * @throws ProblemException if the body is something else, or has a malformed increment, none or too many
     */
    List<Increment> transaction(byte[] bytes) {
        List<BulkItem<Command>> items = Bodies.read(json, bytes, this::transactionItems);
        if (items.isEmpty()) {
            throw Bodies.malformed("A transaction must have 1 to " + TRANSACTION_MAX + " increments.");
        }
        return items.stream().map(this::ofTransaction).toList();
    }

    private List<BulkItem<Command>> transactionItems(JsonParser parser) {
        if (parser.currentToken() != JsonToken.START_OBJECT) {
            throw Bodies.malformed("The body must be a JSON object.");
        }
        List<BulkItem<Command>> items = List.of();
        while (parser.nextToken() == JsonToken.PROPERTY_NAME) {
            if (!parser.currentName().equals("increments")) {
                throw Bodies.malformed("A transaction must have no member but 'increments'.");
            }
            parser.nextToken();
            items = items(parser, TRANSACTION_MAX);
        }
        return items;
    }

    private Increment ofTransaction(BulkItem<Command> item) {
        return switch (item) {
            case Valid<Command> valid -> {
                if (valid.value().key() != null) {
                    throw malformed(item, "An item of a transaction must not have a 'key'. Send one Idempotency-Key.");
                }
                yield (Increment) valid.value().operation();
            }
            case Malformed<Command> malformed -> throw malformed(item, malformed.detail());
            case Forbidden<Command> forbidden -> throw forbidden(forbidden);
            case StreamIncomplete<Command> end ->
                throw malformed(item, end.problem().getDetail());
        };
    }

    private static ProblemException malformed(BulkItem<Command> item, @Nullable String detail) {
        return Bodies.malformed("increments[" + (item.line() - 1) + "]: " + detail);
    }

    private ProblemException forbidden(Forbidden<Command> item) {
        caller.observer().forbidden(caller, item.action());
        ProblemDetail problem = item.problem();
        problem.setDetail("increments[" + (item.line() - 1) + "]: " + problem.getDetail());
        return new ProblemException(problem);
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
            return fields.isPermitted() ? new Valid<>(line, command) : fields.forbidden(line);
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

        void read(String field, JsonParser parser) {
            switch (field) {
                case "namespace" -> namespace = text(field, parser);
                case "name" -> name = text(field, parser);
                case "key" -> key = text(field, parser);
                case "delta" -> readDelta(parser);
                default -> refuse("An increment must have no members but 'namespace', 'name', 'delta' and 'key'.");
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
            return namespace != null && caller.may(Action.WRITE, namespace);
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
