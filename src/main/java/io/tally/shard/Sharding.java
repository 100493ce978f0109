package io.tally.shard;

import io.tally.counter.Naming;
import java.nio.charset.StandardCharsets;
import java.util.zip.CRC32C;
import org.springframework.boot.context.properties.ConfigurationProperties;
import org.springframework.boot.context.properties.bind.DefaultValue;
import org.springframework.util.Assert;

/**
 * The number of shards, and the shard of each namespace. Every namespace is in one shard.
 *
 * <p>The shard is the CRC-32C (RFC 3720, appendix B.4) of the UTF-8 bytes of the namespace, or of its tag, modulo the
 * number of shards. Stored counters are where this function says, so it never changes.
 *
 * @param count 1 to 64; chosen once for a database
 */
@ConfigurationProperties("tally.shards")
public record Sharding(@DefaultValue("1") int count) {

    /** One shard, which has every namespace. */
    public static final Sharding SINGLE = new Sharding(1);

    /** Each shard has connections of its own, so more would use up those of a server. */
    public static final int COUNT_MAX = 64;

    /**
     * Checks the number.
     *
     * @throws IllegalArgumentException with the name of the invalid key
     */
    public Sharding {
        Assert.isTrue(count >= 1 && count <= COUNT_MAX, "tally.shards.count must be between 1 and " + COUNT_MAX);
    }

    /** The index of the shard of a namespace, from 0. */
    public int indexOf(String namespace) {
        if (count == 1) {
            return 0;
        }
        CRC32C hash = new CRC32C();
        hash.update(tag(namespace).getBytes(StandardCharsets.UTF_8));
        return (int) (hash.getValue() % count);
    }

    private static String tag(String namespace) {
        int end = namespace.indexOf(Naming.TAG_END);
        return end < 0 ? namespace : namespace.substring(0, end);
    }

    /** The name of a part of a shard: the name itself if there is one shard, else with the number of the shard. */
    public String label(String name, int index) {
        return count == 1 ? name : name + "-" + number(index);
    }

    /** Where something happens, for messages: empty if there is one shard, else a phrase after a space. */
    public String where(int index) {
        return count == 1 ? "" : " in shard " + number(index);
    }

    /** The number of a shard for people and in the names of schemas: from 1. */
    public static int number(int index) {
        return index + 1;
    }
}
