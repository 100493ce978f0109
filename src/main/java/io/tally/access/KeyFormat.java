package io.tally.access;

import java.nio.charset.StandardCharsets;
import java.util.random.RandomGenerator;
import java.util.zip.CRC32;
import org.jspecify.annotations.Nullable;

/**
 * The format of access keys: {@code tly_<id>_<secret><checksum>} in base 62. The secret has 190 random bits. So a plain
 * SHA-256 of the key protects it, where a password would need a slow hash. Underscores let a double click select the
 * whole key.
 */
final class KeyFormat {

    static final String PREFIX = "tly_";

    /** The number of characters of an id: 71 bits, so that ids do not collide. */
    static final int ID_LENGTH = 12;

    /** 62 to the power of 32 is more than 2 to the power of 190. */
    private static final int SECRET_LENGTH = 32;

    /** 62 to the power of 6 is more than 2 to the power of 32. */
    private static final int CHECKSUM_LENGTH = 6;

    private static final int ID_END = PREFIX.length() + ID_LENGTH;
    private static final int CHECKSUM_START = ID_END + 1 + SECRET_LENGTH;

    /** One block of SHA-256, with its padding. */
    static final int LENGTH = CHECKSUM_START + CHECKSUM_LENGTH;

    private static final String ALPHABET = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

    private KeyFormat() {}

    /** A random id. */
    static String newId(RandomGenerator random) {
        return draw(random, ID_LENGTH);
    }

    /** A key with that id and a random secret. */
    static String newKey(RandomGenerator random, String id) {
        String body = PREFIX + id + "_" + draw(random, SECRET_LENGTH);
        return body + checksum(body);
    }

    /** The id of a key; {@code null} if the text does not have the form of a key. */
    static @Nullable String id(String key) {
        if (key.length() != LENGTH || !key.startsWith(PREFIX) || key.charAt(ID_END) != '_') {
            return null;
        }
        String id = key.substring(PREFIX.length(), ID_END);
        return isId(id) ? id : null;
    }

    /** Whether a text has the form of an id. */
    static boolean isId(String text) {
        return text.length() == ID_LENGTH && text.chars().allMatch(KeyFormat::isDigit);
    }

    private static boolean isDigit(int c) {
        return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
    }

    /** Whether the checksum fits the rest of a text that has an {@link #id}: it does not after a typing error. */
    static boolean isIntact(String key) {
        return checksum(key.substring(0, CHECKSUM_START)).equals(key.substring(CHECKSUM_START));
    }

    private static String checksum(String body) {
        CRC32 crc = new CRC32();
        crc.update(body.getBytes(StandardCharsets.UTF_8));
        char[] digits = new char[CHECKSUM_LENGTH];
        long rest = crc.getValue();
        for (int i = CHECKSUM_LENGTH - 1; i >= 0; i--) {
            digits[i] = ALPHABET.charAt((int) (rest % ALPHABET.length()));
            rest /= ALPHABET.length();
        }
        return new String(digits);
    }

    private static String draw(RandomGenerator random, int length) {
        StringBuilder text = new StringBuilder(length);
        for (int i = 0; i < length; i++) {
            text.append(ALPHABET.charAt(random.nextInt(ALPHABET.length())));
        }
        return text.toString();
    }
}
