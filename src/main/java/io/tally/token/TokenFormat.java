package io.tally.token;

import io.tally.counter.Naming;
import java.time.Duration;
import java.util.random.RandomGenerator;
import org.jspecify.annotations.Nullable;
import org.springframework.util.Assert;

/**
 * The format and the lifetime of tokens.
 *
 * @param size the number of characters, 1 to {@link #SIZE_MAX}
 * @param alphabet the allowed characters: 1 to {@link #ALPHABET_MAX} different visible US-ASCII characters
 * @param ttl the time from issue to expiry, a second to {@link #TTL_MAX}; {@code null} for no expiry
 */
record TokenFormat(int size, String alphabet, @Nullable Duration ttl) {

    static final int SIZE_MAX = 64;
    static final int ALPHABET_MAX = 64;
    static final Duration TTL_MAX = Duration.ofDays(3_650);

    /** Without characters that people confuse: 0 O o, 1 I i l L. */
    private static final String UNMISTAKABLE = "23456789ABCDEFGHJKMNPQRSTUVWXYZabcdefghjkmnpqrstuvwxyz";

    /** Nearly 52 bits: with ten million pending tokens, one try in about 400 million fails. */
    static final TokenFormat DEFAULT = new TokenFormat(9, UNMISTAKABLE, null);

    private static final Duration TTL_MIN = Duration.ofSeconds(1);

    /**
     * Checks each value.
     *
     * @throws IllegalArgumentException with a message for the caller if one is out of range
     */
    TokenFormat {
        Assert.isTrue(size >= 1 && size <= SIZE_MAX, "'size' must be between 1 and " + SIZE_MAX + ".");
        Assert.isTrue(
                !alphabet.isEmpty() && alphabet.length() <= ALPHABET_MAX && isVisible(alphabet),
                "'alphabet' must have 1 to " + ALPHABET_MAX + " visible US-ASCII characters.");
        Assert.isTrue(
                alphabet.chars().distinct().count() == alphabet.length(), "'alphabet' must not repeat a character.");
        Assert.isTrue(
                !alphabet.equals(".") || size > "..".length(),
                "'alphabet' must have a character other than '.', since clients remove '.' and '..' from paths.");
        Assert.isTrue(
                ttl == null || (ttl.compareTo(TTL_MIN) >= 0 && ttl.compareTo(TTL_MAX) <= 0),
                "'ttlSeconds' must be between 1 and " + TTL_MAX.toSeconds() + ".");
    }

    /**
     * Checks the text of a token.
     *
     * @return the same
     * @throws IllegalArgumentException with a message for the caller if it cannot be one
     */
    static String requireToken(String text) {
        Assert.isTrue(
                !text.isEmpty() && text.length() <= SIZE_MAX && isVisible(text),
                "A token must have 1 to " + SIZE_MAX + " visible US-ASCII characters.");
        return text;
    }

    /** A uniformly random text, but neither {@code .} nor {@code ..}. */
    String draw(RandomGenerator random) {
        String text = drawAny(random);
        while (Naming.isDotSegment(text)) {
            text = drawAny(random);
        }
        return text;
    }

    private String drawAny(RandomGenerator random) {
        StringBuilder text = new StringBuilder(size);
        for (int i = 0; i < size; i++) {
            text.append(alphabet.charAt(random.nextInt(alphabet.length())));
        }
        return text.toString();
    }

    private static boolean isVisible(String text) {
        return text.chars().allMatch(c -> c > ' ' && c < 0x7F);
    }
}
