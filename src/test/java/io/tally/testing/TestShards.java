package io.tally.testing;

import io.tally.shard.ShardedId;
import io.tally.shard.Sharding;
import java.util.UUID;

/**
 * The shards of the services that tests start: as many as the system property {@code tally.test.shards} says, one by
 * default.
 *
 * <p>A test that makes sense with one shard only has the tag {@code one-shard}.
 */
public final class TestShards {

    /** The setting of the service. */
    static final String SETTING = "tally.shards.count";

    /** The shards. */
    public static final Sharding SHARDING = new Sharding(Integer.getInteger("tally.test.shards", 1));

    /** The connections of the tests' server: enough for the instances of two classes and those that all share. */
    static final int CONNECTIONS_MAX = Math.max(200, 100 * SHARDING.count());

    private TestShards() {}

    /** A new id, such as that of a job, for the shard of a namespace. */
    public static UUID id(String namespace) {
        return ShardedId.random(SHARDING.indexOf(namespace));
    }

    /** The labels of the series of the shard of a namespace: none with one shard. */
    public static String label(String namespace) {
        return count() == 1 ? "" : "{shard=\"" + Sharding.number(SHARDING.indexOf(namespace)) + "\"}";
    }

    /** How many there are. */
    public static int count() {
        return SHARDING.count();
    }

    /** The schema of a shard, if there are several. */
    static String schema(int index) {
        return "tally_" + Sharding.number(index);
    }
}
