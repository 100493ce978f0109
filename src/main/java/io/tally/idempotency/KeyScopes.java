package io.tally.idempotency;

import io.tally.counter.IdempotencyKey;
import io.tally.idempotency.LineKeys.Choice;
import io.tally.shard.PerShard;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import org.jspecify.annotations.Nullable;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;

/**
 * Chooses the scope of the idempotency key of a request that spans namespaces, in each shard whose records it needs, as
 * {@link SharedScopes} does. Safe for use by many threads.
 */
public final class KeyScopes {

    private final PerShard<SharedScopes> shards;

    public KeyScopes(PerShard<SharedScopes> shards) {
        this.shards = shards;
    }

    /** The key of a request that belongs to no namespace. As {@link SharedScopes#choose}. */
    public Mono<Optional<IdempotencyKey>> choose(@Nullable IdempotencyKey own, String shared) {
        return shards.first().choose(own, shared);
    }

    /** The key of a request in the shard of a namespace. As {@link SharedScopes#choose}. */
    public Mono<Optional<IdempotencyKey>> choose(@Nullable IdempotencyKey own, String shared, String namespace) {
        return shards.of(namespace).choose(own, shared);
    }

    /**
     * The keys of an upload. A shard whose records cannot be read keeps only its own lines from being applied.
     *
     * @return fails with {@link io.tally.pipeline.StoreFailure} if no shard could be read
     */
    public Mono<LineKeys> chooseForLines(@Nullable IdempotencyKey own, String shared) {
        return own == null
                ? Mono.just(LineKeys.NONE)
                : Flux.fromIterable(shards.all())
                        .flatMapSequential(
                                shard -> choice(shard, own, shared),
                                shards.all().size())
                        .collectList()
                        .flatMap(this::lineKeys);
    }

    private static Mono<Choice> choice(SharedScopes shard, IdempotencyKey own, String shared) {
        return shard.choose(own, shared)
                .map(key -> new Choice(key.orElse(null), null))
                .onErrorResume(failure -> Mono.just(new Choice(null, failure)));
    }

    private Mono<LineKeys> lineKeys(List<Choice> choices) {
        List<Throwable> failures =
                choices.stream().map(Choice::failure).filter(Objects::nonNull).toList();
        return failures.size() == choices.size()
                ? Mono.error(failures.getFirst())
                : Mono.just(new LineKeys(PerShard.of(shards.sharding(), choices::get)));
    }
}
