package io.tally.shard;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.UUID;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.IntRange;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class ShardedIdTest {

    private static PerShard<Integer> indices(int count) {
        return PerShard.of(new Sharding(count), index -> index);
    }

    @Property(tries = 500)
    void anIdLeadsToItsShard(@ForAll @IntRange(min = 1, max = Sharding.COUNT_MAX) int count, @ForAll int any) {
        int index = Math.floorMod(any, count);
        UUID id = ShardedId.random(index);

        assertThat(ShardedId.find(indices(count), id)).contains(index);
        assertThat(id.version()).isEqualTo(8);
        // That of RFC 9562.
        assertThat(id.variant()).isEqualTo(2);
        assertThat(ShardedId.random(index)).isNotEqualTo(id);
    }

    /** The last byte is read without a sign. */
    @ParameterizedTest
    @CsvSource({"2, 02", "4, 04", "4, ff", "4, 80", "64, 40", "64, bf"})
    void anIdOfAShardThatDoesNotExistLeadsNowhere(int count, String last) {
        UUID id = UUID.fromString("5f4dcc3b-5aa7-8d61-8327-deb882cf99" + last);

        assertThat(ShardedId.find(indices(count), id)).isEmpty();
    }

    /** Jobs of earlier releases have random ids of version 4. */
    @Property(tries = 100)
    void aSingleShardHasTheIdsOfEarlierReleases(@ForAll long most, @ForAll long least) {
        assertThat(ShardedId.find(PerShard.single("only"), new UUID(most, least)))
                .contains("only");
    }
}
