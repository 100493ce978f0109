package io.tally.bulk;

import io.tally.bulk.BulkItem.Forbidden;
import io.tally.bulk.BulkItem.Malformed;
import io.tally.bulk.BulkItem.StreamIncomplete;
import io.tally.bulk.BulkItem.Valid;
import io.tally.counter.Command;
import io.tally.counter.IdempotencyKey;
import io.tally.counter.Operation.Increment;
import io.tally.counter.Operation.Transaction;
import io.tally.http.Action;
import io.tally.http.Bodies;
import io.tally.http.Caller;
import io.tally.http.IncrementRequest;
import io.tally.http.ProblemException;
import io.tally.idempotency.LineKeys;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.springframework.http.ProblemDetail;
import tools.jackson.core.JsonParser;
import tools.jackson.core.JsonToken;
import tools.jackson.databind.json.JsonMapper;

/** Reads {@code {"increments":[…],"dryRun":false}}. The increments have neither keys nor {@code atMost}. */
final class TransactionReader {

    private static final int INCREMENTS_MAX = 100;

    private final JsonMapper json;
    private final Caller caller;
    private final IncrementReader items;

    /** @param caller must be allowed to write in the namespaces of all items, or to read in a dry run */
    TransactionReader(JsonMapper json, Caller caller) {
        this.json = json;
        this.caller = caller;
        // A dry run needs another action, and the body may say so after the items.
        this.items = new IncrementReader(json, namespace -> true, LineKeys.NONE);
    }

    /** The members of a body. */
    private record Members(List<BulkItem<Command>> items, boolean dryRun) {}

    /**
     * The request of a body.
     *
     * @throws ProblemException if the body is something else, or has a malformed or forbidden increment, none or too
     *     many
     */
    IncrementRequest read(byte[] bytes, @Nullable IdempotencyKey key) {
        Members members = Bodies.read(json, bytes, this::members);
        if (members.items().isEmpty()) {
            throw Bodies.malformed("A transaction must have 1 to " + INCREMENTS_MAX + " increments.");
        }
        Action action = IncrementRequest.action(members.dryRun());
        List<Increment> increments =
                members.items().stream().map(item -> increment(item, action)).toList();
        return new IncrementRequest(new Transaction(increments), key, members.dryRun());
    }

    private Members members(JsonParser parser) {
        if (parser.currentToken() != JsonToken.START_OBJECT) {
            throw Bodies.malformed("The body must be a JSON object.");
        }
        Members members = new Members(List.of(), false);
        while (parser.nextToken() == JsonToken.PROPERTY_NAME) {
            String name = parser.currentName();
            parser.nextToken();
            members = switch (name) {
                case "increments" -> new Members(items.items(parser, INCREMENTS_MAX), members.dryRun());
                case "dryRun" -> new Members(members.items(), Bodies.bool(name, parser));
                default -> throw Bodies.malformed("A transaction must have no members but 'increments' and 'dryRun'.");
            };
        }
        return members;
    }

    private Increment increment(BulkItem<Command> item, Action action) {
        return switch (item) {
            case Valid<Command> valid -> permitted(item, increment(item, valid.value()), action);
            case Malformed<Command> malformed -> throw malformed(item, malformed.detail());
            case Forbidden<Command> forbidden -> throw forbidden(item, forbidden.problem());
            case StreamIncomplete<Command> end ->
                throw malformed(item, end.problem().getDetail());
        };
    }

    private static Increment increment(BulkItem<Command> item, Command command) {
        Increment increment = (Increment) command.operation();
        if (command.key() != null) {
            throw malformed(item, "An item of a transaction must not have a 'key'. Send one Idempotency-Key.");
        }
        if (increment.atMost()) {
            throw malformed(item, "An item of a transaction must not have 'atMost': it is applied completely or not.");
        }
        return increment;
    }

    private Increment permitted(BulkItem<Command> item, Increment increment, Action action) {
        String namespace = increment.counter().namespace();
        if (!caller.may(action, namespace)) {
            caller.observer().forbidden(caller, action);
            throw forbidden(item, Caller.forbidden(action, namespace));
        }
        return increment;
    }

    private static ProblemException malformed(BulkItem<Command> item, @Nullable String detail) {
        return Bodies.malformed("increments[" + (item.line() - 1) + "]: " + detail);
    }

    private static ProblemException forbidden(BulkItem<Command> item, ProblemDetail problem) {
        problem.setDetail("increments[" + (item.line() - 1) + "]: " + problem.getDetail());
        return new ProblemException(problem);
    }
}
