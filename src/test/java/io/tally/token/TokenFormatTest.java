package io.tally.token;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.time.Duration;
import java.util.HashMap;
import java.util.Map;
import java.util.Random;
import java.util.random.RandomGenerator;
import org.junit.jupiter.api.Test;

class TokenFormatTest {

    /**
     * 26,000 draws from 26: each is a thousand on average, and six deviations of 31 off is one in a thousand million.
     */
    @Test
    void eachCharacterIsAsLikelyAsAnyOther() {
        TokenFormat format = new TokenFormat(13, "abcdefghijklmnopqrstuvwxyz", null);
        RandomGenerator random = new Random(/* seed= */ 1);
        Map<Character, Integer> counts = new HashMap<>();
        for (int i = 0; i < 2_000; i++) {
            format.draw(random).chars().forEach(c -> counts.merge((char) c, 1, Integer::sum));
        }

        assertThat(counts).hasSize(26);
        assertThat(counts.values()).allSatisfy(count -> assertThat(count).isBetween(814, 1_186));
    }

    @Test
    void theDefaultHasNoCharactersThatLookAlike() {
        assertThat(TokenFormat.DEFAULT.alphabet()).hasSize(54).doesNotContainAnyWhitespaces();
        assertThat("0Oo1IilL".chars())
                .allSatisfy(c -> assertThat(TokenFormat.DEFAULT.alphabet()).doesNotContain(Character.toString(c)));
    }

    @Test
    void aTextThatClientsRemoveFromPathsIsNotDrawn() {
        RandomGenerator random = new Random(/* seed= */ 2);
        for (int size = 1; size <= 2; size++) {
            TokenFormat format = new TokenFormat(size, ".-", null);
            for (int i = 0; i < 100; i++) {
                assertThat(format.draw(random)).contains("-");
            }
            int dots = size;
            assertThatThrownBy(() -> new TokenFormat(dots, ".", null)).hasMessageContaining("a character other than");
        }
        assertThat(new TokenFormat(3, ".", null).draw(random)).isEqualTo("...");
    }

    @Test
    void whatIsOutOfRangeIsNamed() {
        assertThatThrownBy(() -> new TokenFormat(65, "a", null))
                .hasMessageContaining("'size' must be between 1 and 64");
        assertThatThrownBy(() -> new TokenFormat(1, "a".repeat(65), null)).hasMessageContaining("1 to 64");
        assertThatThrownBy(() -> new TokenFormat(1, "aba", null)).hasMessageContaining("must not repeat a character");
        assertThatThrownBy(() -> new TokenFormat(1, "a", Duration.ZERO)).hasMessageContaining("'ttlSeconds'");
        assertThatThrownBy(() -> TokenFormat.requireToken("")).hasMessageContaining("A token must have");
    }
}
