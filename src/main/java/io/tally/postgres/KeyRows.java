package io.tally.postgres;

import io.r2dbc.postgresql.api.PostgresqlStatement;
import io.r2dbc.spi.Readable;
import io.tally.counter.IdempotencyKey;
import io.tally.counter.Outcome.Amended;
import io.tally.counter.Outcome.Created;
import io.tally.counter.Outcome.Deleted;
import io.tally.counter.Outcome.Found;
import io.tally.counter.Outcome.Incremented;
import io.tally.counter.Outcome.IncrementedAtMost;
import io.tally.counter.Outcome.Moved;
import io.tally.counter.Outcome.Success;
import io.tally.counter.Outcome.Swept;
import io.tally.counter.Outcome.TransactionApplied;
import io.tally.counter.Recurrence;
import io.tally.idempotency.IdempotencyRecord;
import java.util.Collection;
import java.util.List;
import java.util.Objects;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.DeserializationContext;
import tools.jackson.databind.DeserializationFeature;
import tools.jackson.databind.JacksonModule;
import tools.jackson.databind.deser.std.FromStringDeserializer;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.module.SimpleModule;
import tools.jackson.databind.ser.std.ToStringSerializer;

/**
 * Maps idempotency records to rows. The result of an increment has its own columns, since increments are frequent. Any
 * other result is JSON, in a member with the name of its type.
 */
final class KeyRows {

    private static final JsonMapper JSON = JsonMapper.builder()
            .disable(DeserializationFeature.FAIL_ON_UNKNOWN_PROPERTIES)
            // A record of an earlier release has no initial value.
            .disable(DeserializationFeature.FAIL_ON_NULL_FOR_PRIMITIVES)
            .addModule(recurrences())
            .build();

    /** The JSON of a result; one member is set. Renaming a member or its content makes stored records unreadable. */
    private record Result(
            @Nullable Amended amended,
            @Nullable Deleted deleted,
            @Nullable TransactionApplied transaction,
            @Nullable Moved moved,
            @Nullable IncrementedAtMost incrementedAtMost) {}

    private KeyRows() {}

    /** The text that the column of the counter has, too. */
    private static JacksonModule recurrences() {
        return new SimpleModule()
                .addSerializer(Recurrence.class, ToStringSerializer.instance)
                .addDeserializer(Recurrence.class, new FromStringDeserializer<>(Recurrence.class) {
                    @Override
                    protected Recurrence _deserialize(String text, DeserializationContext context) {
                        return Recurrence.parse(text);
                    }
                });
    }

    static String[] scopes(Collection<IdempotencyKey> keys) {
        return keys.stream().map(IdempotencyKey::scope).toArray(String[]::new);
    }

    static String[] texts(Collection<IdempotencyKey> keys) {
        return keys.stream().map(IdempotencyKey::text).toArray(String[]::new);
    }

    static IdempotencyRecord remembered(Readable row) {
        IdempotencyKey key = new IdempotencyKey(CounterRows.text(row, "namespace"), CounterRows.text(row, "key"));
        String result = row.get("result", String.class);
        return new IdempotencyRecord(
                key, CounterRows.number(row, "fingerprint"), result == null ? incremented(row) : success(result));
    }

    private static Incremented incremented(Readable row) {
        return new Incremented(
                CounterRows.number(row, "value"), CounterRows.number(row, "version"), CounterRows.number(row, "delta"));
    }

    static PostgresqlStatement bind(PostgresqlStatement statement, List<IdempotencyRecord> fresh) {
        int size = fresh.size();
        Long[] fingerprints = new Long[size];
        @Nullable Long[] values = new Long[size];
        @Nullable Long[] versions = new Long[size];
        @Nullable Long[] deltas = new Long[size];
        @Nullable String[] results = new String[size];
        for (int i = 0; i < size; i++) {
            fingerprints[i] = fresh.get(i).fingerprint();
            if (fresh.get(i).result() instanceof Incremented incremented) {
                values[i] = incremented.value();
                versions[i] = incremented.version();
                deltas[i] = incremented.delta();
            } else {
                results[i] = json(Objects.requireNonNull(fresh.get(i).result()));
            }
        }
        List<IdempotencyKey> keys = fresh.stream().map(IdempotencyRecord::key).toList();
        return statement
                .bind("$1", scopes(keys))
                .bind("$2", texts(keys))
                .bind("$3", fingerprints)
                .bind("$4", values)
                .bind("$5", versions)
                .bind("$6", deltas)
                .bind("$7", results);
    }

    static String json(Success success) {
        return JSON.writeValueAsString(
                switch (success) {
                    case Amended amended -> new Result(amended, null, null, null, null);
                    case Deleted deleted -> new Result(null, deleted, null, null, null);
                    case TransactionApplied transaction -> new Result(null, null, transaction, null, null);
                    case Moved moved -> new Result(null, null, null, moved, null);
                    case IncrementedAtMost atMost -> new Result(null, null, null, null, atMost);
                    // An increment has its own columns. The others are results of PUT, which has no key.
                    case Incremented other -> throw noResult(other);
                    case Created other -> throw noResult(other);
                    case Found other -> throw noResult(other);
                    case Swept other -> throw noResult(other);
                });
    }

    private static IllegalArgumentException noResult(Success success) {
        return new IllegalArgumentException("not kept as JSON: " + success);
    }

    /** The result of an operation; {@code null} if the key belongs to another kind of request in the namespace. */
    static @Nullable Success success(String json) {
        Result result = JSON.readValue(json, Result.class);
        return Stream.<@Nullable Success>of(
                        result.amended(),
                        result.deleted(),
                        result.transaction(),
                        result.moved(),
                        result.incrementedAtMost())
                .filter(Objects::nonNull)
                .findFirst()
                .orElse(null);
    }
}
