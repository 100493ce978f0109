package io.tally.shard;

import java.util.List;
import java.util.function.Function;
import java.util.function.IntFunction;
import java.util.stream.IntStream;

/** One element for each shard. Immutable. */
public final class PerShard<T> {

    private final Sharding sharding;
    private final List<T> elements;

    private PerShard(Sharding sharding, List<T> elements) {
        this.sharding = sharding;
        this.elements = elements;
    }

    /** Makes an element for each shard, from the index of the shard. */
    public static <T> PerShard<T> of(Sharding sharding, IntFunction<T> element) {
        return new PerShard<>(
                sharding, IntStream.range(0, sharding.count()).mapToObj(element).toList());
    }

    /** The element of the only shard. */
    public static <T> PerShard<T> single(T element) {
        return new PerShard<>(Sharding.SINGLE, List.of(element));
    }

    /** The element of the shard of a namespace. */
    public T of(String namespace) {
        return elements.get(sharding.indexOf(namespace));
    }

    /**
     * The element of a shard.
     *
     * @param index from 0
     */
    public T at(int index) {
        return elements.get(index);
    }

    /** The element of the first shard, which stores access keys and runs of the lab. */
    public T first() {
        return elements.getFirst();
    }

    /** The elements in the order of their shards. */
    public List<T> all() {
        return elements;
    }

    /** The shards. */
    public Sharding sharding() {
        return sharding;
    }

    /** Applies a function to each element. */
    public <U> PerShard<U> map(Function<T, U> mapping) {
        return of(sharding, index -> mapping.apply(elements.get(index)));
    }
}
