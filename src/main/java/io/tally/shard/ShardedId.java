package io.tally.shard;

import java.util.Optional;
import java.util.UUID;

/**
 * Ids of resources whose requests name no namespace, such as jobs: random UUIDs of version 8 (RFC 9562, section 5.8),
 * whose last byte is the index of the shard.
 */
public final class ShardedId {

    private static final long VERSION_MASK = 0xF000L;
    private static final long VERSION = 0x8000L;
    private static final long INDEX_MASK = 0xFFL;

    private ShardedId() {}

    /** A new id for a shard. */
    public static UUID random(int index) {
        UUID random = UUID.randomUUID();
        return new UUID(
                (random.getMostSignificantBits() & ~VERSION_MASK) | VERSION,
                (random.getLeastSignificantBits() & ~INDEX_MASK) | index);
    }

    /**
     * The element of the shard of an id; empty if there is no such shard. A single shard has all ids, since earlier
     * releases made them without a shard.
     */
    public static <T> Optional<T> find(PerShard<T> elements, UUID id) {
        int count = elements.sharding().count();
        int index = count == 1 ? 0 : (int) (id.getLeastSignificantBits() & INDEX_MASK);
        return index < count ? Optional.of(elements.at(index)) : Optional.empty();
    }
}
