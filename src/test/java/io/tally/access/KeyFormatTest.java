package io.tally.access;

import static org.assertj.core.api.Assertions.assertThat;

import java.security.SecureRandom;
import java.util.HashSet;
import java.util.Random;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class KeyFormatTest {

    private static final SecureRandom RANDOM = new SecureRandom();

    private static String key() {
        return KeyFormat.newKey(RANDOM, KeyFormat.newId(RANDOM));
    }

    @Test
    void keyHasItsIdAndItsChecksum() {
        String id = KeyFormat.newId(RANDOM);
        String key = KeyFormat.newKey(RANDOM, id);
        assertThat(key).matches("tly_[0-9A-Za-z]{12}_[0-9A-Za-z]{38}");
        assertThat(KeyFormat.id(key)).isEqualTo(id);
        assertThat(KeyFormat.isIntact(key)).isTrue();
        assertThat(KeyHash.of(key).bytes()).hasSize(32);
        assertThat(KeyHash.of(key).matches(KeyHash.of(key))).isTrue();
        assertThat(KeyHash.of(key).matches(KeyHash.of(key()))).isFalse();
    }

    @Test
    void keysDiffer() {
        Set<String> keys = new HashSet<>();
        for (int i = 0; i < 1_000; i++) {
            keys.add(key());
        }
        assertThat(keys).hasSize(1_000);
    }

    /** Every other character in every place, and every two neighbours in the other order. */
    @Test
    void typingErrorsAreFound() {
        String key = key();
        for (int i = KeyFormat.PREFIX.length(); i < key.length(); i++) {
            for (char c : "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz".toCharArray()) {
                String mistyped = key.substring(0, i) + c + key.substring(i + 1);
                assertThat(isKey(mistyped)).as(mistyped).isEqualTo(mistyped.equals(key));
            }
            if (i + 1 < key.length()) {
                String swapped = key.substring(0, i) + key.charAt(i + 1) + key.charAt(i) + key.substring(i + 2);
                assertThat(isKey(swapped)).as(swapped).isEqualTo(swapped.equals(key));
            }
        }
    }

    private static boolean isKey(String text) {
        return KeyFormat.id(text) != null && KeyFormat.isIntact(text);
    }

    @ParameterizedTest
    @ValueSource(strings = {"", "tly_", "tly_x_y", "Tly_000000000000_00000000000000000000000000000000000000", "é"})
    void otherTextsAreNoKeys(String text) {
        assertThat(KeyFormat.id(text)).isNull();
        assertThat(KeyFormat.id(text + "\0".repeat(KeyFormat.LENGTH))).isNull();
    }

    @Test
    void randomTextsAreNoKeys() {
        Random random = new Random(7);
        for (int i = 0; i < 10_000; i++) {
            StringBuilder text = new StringBuilder(KeyFormat.PREFIX);
            while (text.length() < KeyFormat.LENGTH) {
                text.append((char) random.nextInt(0x180));
            }
            assertThat(isKey(text.toString())).isFalse();
        }
    }
}
