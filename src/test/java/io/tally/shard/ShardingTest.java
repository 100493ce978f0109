package io.tally.shard;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import java.util.List;
import java.util.function.IntFunction;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

class ShardingTest {

    private static final String LONGEST = "x".repeat(64);

    /**
     * Computed by another implementation of the CRC-32C, whose check value is 0xE3069283 for 123456789. Stored counters
     * are where these numbers say: no release may change one.
     */
    static Stream<Arguments> frozen() {
        return Stream.of(
                Arguments.of("123456789", (int) (0xE3069283L % 4), (int) (0xE3069283L % 7), (int) (0xE3069283L % 64)),
                Arguments.of("a", 0, 1, 48),
                Arguments.of("shop", 1, 1, 17),
                Arguments.of("shop-1", 0, 5, 4),
                Arguments.of("acme", 2, 6, 6),
                Arguments.of("acme:stock", 2, 6, 6),
                Arguments.of("Z.y_x-1", 0, 3, 20),
                Arguments.of("tally", 2, 6, 10),
                Arguments.of("user-4711", 1, 1, 41),
                Arguments.of("0:0", 0, 0, 32),
                Arguments.of(LONGEST, 3, 6, 35));
    }

    @ParameterizedTest
    @MethodSource("frozen")
    void theShardOfANamespaceNeverChanges(String namespace, int ofFour, int ofSeven, int ofSixtyFour) {
        assertThat(new Sharding(4).indexOf(namespace)).isEqualTo(ofFour);
        assertThat(new Sharding(7).indexOf(namespace)).isEqualTo(ofSeven);
        assertThat(new Sharding(64).indexOf(namespace)).isEqualTo(ofSixtyFour);
        assertThat(Sharding.SINGLE.indexOf(namespace)).isZero();
    }

    @ParameterizedTest
    @CsvSource({"acme:stock, acme:sold", "acme, acme:stock", "a:b, a:c"})
    void namespacesWithATagShareAShard(String one, String other) {
        for (int count = 1; count <= Sharding.COUNT_MAX; count++) {
            Sharding sharding = new Sharding(count);
            assertThat(sharding.indexOf(one)).as("of %d", count).isEqualTo(sharding.indexOf(other));
        }
    }

    /** Else a tag would be a way to have everything in one shard. */
    @Test
    void theTagAloneDecides() {
        Sharding sharding = new Sharding(64);

        assertThat(IntStream.range(0, 1_000).map(i -> sharding.indexOf("shop-" + i + ":stock")))
                .contains(IntStream.range(0, 64).boxed().toArray(Integer[]::new));
    }

    /** Names as tenants have them. */
    static List<IntFunction<String>> families() {
        return List.of(
                i -> "shop-" + (i + 1),
                i -> String.valueOf(100_000 + i),
                i -> "tenant_%05d".formatted(i),
                i -> "u" + i * 37,
                i -> "org" + i + ":stock");
    }

    /** Chi-square, with a limit five standard deviations above its mean: both follow from the degrees of freedom. */
    @ParameterizedTest
    @ValueSource(ints = {2, 3, 4, 5, 6, 7, 8})
    void usualNamesSpreadEvenly(int count) {
        int names = 10_000;
        int freedom = count - 1;
        Sharding sharding = new Sharding(count);

        assertThat(families()).allSatisfy(family -> {
            long[] found = new long[count];
            IntStream.range(0, names).forEach(i -> found[sharding.indexOf(family.apply(i))]++);
            double expected = (double) names / count;
            assertThat(IntStream.range(0, count)
                            .mapToDouble(shard -> (found[shard] - expected) * (found[shard] - expected) / expected)
                            .sum())
                    .as(family.apply(1))
                    .isLessThan(freedom + 5 * Math.sqrt(2.0 * freedom));
        });
    }

    @ParameterizedTest
    @ValueSource(ints = {Integer.MIN_VALUE, -1, 0, 65, Integer.MAX_VALUE})
    void refusesACount(int count) {
        assertThatIllegalArgumentException()
                .isThrownBy(() -> new Sharding(count))
                .withMessage("tally.shards.count must be between 1 and 64");
    }

    @Test
    void labelsHaveTheNumberOfTheShardIfThereAreSeveral() {
        assertThat(Sharding.SINGLE.label("books", 0)).isEqualTo("books");
        assertThat(new Sharding(4).label("books", 3)).isEqualTo("books-4");
    }
}
