package io.tally.shard;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.AlphaChars;
import net.jqwik.api.constraints.IntRange;
import net.jqwik.api.constraints.StringLength;
import org.junit.jupiter.api.Test;

class PerShardTest {

    private static final PerShard<String> FOUR = PerShard.of(new Sharding(4), index -> "s" + index);

    @Test
    void hasAnElementForEachShardInTheirOrder() {
        assertThat(FOUR.all()).containsExactly("s0", "s1", "s2", "s3");
        assertThat(FOUR.first()).isEqualTo("s0");
        assertThat(FOUR.at(3)).isEqualTo("s3");
        assertThatThrownBy(() -> FOUR.at(4)).isInstanceOf(IndexOutOfBoundsException.class);
        assertThat(PerShard.single("only").of("acme")).isEqualTo("only");
    }

    @Property(tries = 200)
    void findsTheElementOfANamespace(
            @ForAll @IntRange(min = 1, max = Sharding.COUNT_MAX) int count,
            @ForAll @AlphaChars @StringLength(min = 1, max = 20) String namespace) {
        Sharding sharding = new Sharding(count);

        assertThat(PerShard.of(sharding, index -> index).of(namespace)).isEqualTo(sharding.indexOf(namespace));
    }

    @Test
    void whatItBecomesIsInTheSameShards() {
        PerShard<String> mapped = FOUR.map(element -> element + "!");

        assertThat(mapped.all()).containsExactly("s0!", "s1!", "s2!", "s3!");
        assertThat(mapped.of("acme")).isEqualTo(FOUR.of("acme") + "!");
    }
}
