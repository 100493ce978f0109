package io.tally.shard;

import io.tally.testing.Database;
import io.tally.testing.TallyServer;
import java.util.List;
import java.util.UUID;
import java.util.stream.IntStream;
import java.util.stream.Stream;

/** Four shards, and namespaces in each of them. */
public final class Shards {

    public static final int COUNT = 4;

    /** Tags of the shards 1 to 4: ShardingTest holds the hash. */
    private static final List<String> TAGS = List.of("bravo", "alpha", "india", "charlie");

    private Shards() {}

    /** The numbers of the shards. */
    public static List<Integer> numbers() {
        return IntStream.rangeClosed(1, COUNT).boxed().toList();
    }

    /** An unused namespace in the shard with that number. */
    public static String in(int number) {
        return TAGS.get(number - 1) + ":" + UUID.randomUUID();
    }

    /** Unused namespaces, one in each shard, in their order. */
    public static List<String> namespaces() {
        return numbers().stream().map(Shards::in).toList();
    }

    /** Starts an instance with four shards. Settings as key, value, key, value. */
    public static TallyServer start(Database database, String... settings) {
        return start(COUNT, database, settings);
    }

    /** Starts an instance with a number of shards. */
    public static TallyServer start(int count, Database database, String... settings) {
        return TallyServer.start(
                database,
                Stream.concat(Stream.of("tally.shards.count", String.valueOf(count)), Stream.of(settings))
                        .toArray(String[]::new));
    }
}
