package io.tally.idempotency;

import io.tally.counter.IdempotencyKey;
import io.tally.shard.PerShard;
import org.jspecify.annotations.Nullable;

/** The key of an upload in each shard, from which the keys of its lines are made. Immutable. */
public final class LineKeys {

    /** Those of a request without a key. */
    public static final LineKeys NONE = new LineKeys(PerShard.single(new Choice(null, null)));

    private final PerShard<Choice> choices;

    LineKeys(PerShard<Choice> choices) {
        this.choices = choices;
    }

    /**
     * The choice for a shard.
     *
     * @param key {@code null} if the request has none, or after a failure
     * @param failure the reason why the records of the shard could not be read; {@code null} if they were
     */
    record Choice(@Nullable IdempotencyKey key, @Nullable Throwable failure) {}

    /** Whether the records of the shard of a namespace could be read. If not, its lines cannot be applied. */
    public boolean isKnown(String namespace) {
        return choices.of(namespace).failure() == null;
    }

    /** The key of the upload in the shard of a namespace; {@code null} if it has none. */
    public @Nullable IdempotencyKey of(String namespace) {
        return choices.of(namespace).key();
    }
}
