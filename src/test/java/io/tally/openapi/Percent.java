package io.tally.openapi;

import static java.nio.charset.StandardCharsets.UTF_8;

/** Percent-encoding, in the ways that clients do it. */
final class Percent {

    /** What clients leave as it is. */
    private static final String STRICT = "-._~";

    private static final String LENIENT = STRICT + "!$'()*,:@";

    private Percent() {}

    /** Encodes all that need not stand for itself. */
    static String strictly(String text) {
        return encode(text, STRICT, "%%%02X");
    }

    /** Leaves what need not be encoded. */
    static String leniently(String text) {
        return encode(text, LENIENT, "%%%02x");
    }

    /** Encodes each byte. */
    static String fully(String text) {
        StringBuilder encoded = new StringBuilder();
        for (byte b : text.getBytes(UTF_8)) {
            encoded.append("%%%02x".formatted(b & 0xFF));
        }
        return encoded.toString();
    }

    private static String encode(String text, String kept, String format) {
        StringBuilder encoded = new StringBuilder();
        for (byte b : text.getBytes(UTF_8)) {
            char c = (char) (b & 0xFF);
            boolean plain = c < 0x80 && (Character.isLetterOrDigit(c) || kept.indexOf(c) >= 0);
            encoded.append(plain ? String.valueOf(c) : format.formatted((int) c));
        }
        return encoded.toString();
    }
}
