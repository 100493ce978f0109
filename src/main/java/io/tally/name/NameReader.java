package io.tally.name;

import io.tally.bulk.BulkItem;
import io.tally.bulk.ItemReader;
import io.tally.counter.IdempotencyKey;
import java.util.concurrent.ThreadLocalRandom;
import org.jspecify.annotations.Nullable;
import tools.jackson.core.JsonParser;
import tools.jackson.core.JsonToken;
import tools.jackson.databind.json.JsonMapper;

/** Reads names, which are JSON strings. */
final class NameReader extends ItemReader<NameRequest> {

    private final String namespace;
    private final boolean folded;
    private final @Nullable IdempotencyKey key;

    /**
     * A reader for one request.
     *
     * @param folded see {@link NameKey#of}
     * @param key of the whole request. A name's creator is derived from it and the name's line, so a replay gets the
     *     same {@code created} for as long as the name exists. There is no idempotency record: another request under
     *     the same key is carried out like any other
     */
    NameReader(JsonMapper json, String namespace, boolean folded, @Nullable IdempotencyKey key) {
        super(json, "names", "string");
        this.namespace = namespace;
        this.folded = folded;
        this.key = key;
    }

    @Override
    protected BulkItem<NameRequest> item(JsonParser parser, long line) {
        if (parser.currentToken() != JsonToken.VALUE_STRING) {
            parser.skipChildren();
            return BulkItem.malformed(line, "A name must be a JSON string.");
        }
        String name = parser.getString();
        try {
            return new BulkItem.Valid<>(
                    line, new NameRequest(NameKey.of(namespace, name, folded), name, creator(line)));
        } catch (IllegalArgumentException refused) {
            return BulkItem.malformed(line, String.valueOf(refused.getMessage()));
        }
    }

    private long creator(long line) {
        return key == null
                ? ThreadLocalRandom.current().nextLong()
                : key.line(line).digest();
    }
}
