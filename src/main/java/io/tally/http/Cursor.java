package io.tally.http;

import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.Base64;
import java.util.List;

/**
 * Where a page ends, as a text for the client to send back: base64url over some texts and a digest of them and of what
 * they are a place in. The digest tells a cursor of another list, or one that was changed on the way; it is no secret,
 * since a cursor says nothing that the one who has it may not know or ask for.
 */
public final class Cursor {

    /** The longest there is: two of the longest names and some numbers. */
    private static final int LENGTH_MAX = 2_048;

    private static final int DIGEST_BYTES = 8;

    /** Stands in no name: names have no control characters. */
    private static final String SEPARATOR = "\n";

    private Cursor() {}

    /**
     * The cursor of a place.
     *
     * @param list what it is a place in: as the same texts must come with {@link #read}
     * @param place texts without line feeds
     */
    public static String write(List<String> list, List<String> place) {
        byte[] text = String.join(SEPARATOR, place).getBytes(StandardCharsets.UTF_8);
        ByteBuffer bytes = ByteBuffer.allocate(DIGEST_BYTES + text.length);
        bytes.put(digest(list, text), 0, DIGEST_BYTES).put(text);
        return Base64.getUrlEncoder().withoutPadding().encodeToString(bytes.array());
    }

    /**
     * The place that a cursor stands for.
     *
     * @throws ProblemException where it was not written for this list
     */
    public static List<String> read(List<String> list, String cursor) {
        try {
            byte[] bytes = Base64.getUrlDecoder().decode(cursor.length() > LENGTH_MAX ? "" : cursor);
            byte[] text = new byte[Math.max(0, bytes.length - DIGEST_BYTES)];
            System.arraycopy(bytes, bytes.length - text.length, text, 0, text.length);
            List<String> place = List.of(new String(text, StandardCharsets.UTF_8).split(SEPARATOR, -1));
            if (write(list, place).equals(cursor)) {
                return place;
            }
        } catch (IllegalArgumentException notBase64) {
            // As wrong as any other.
        }
        throw foreign();
    }

    /** A cursor that was not written for a list, or not by this database: it names what that cannot hold. */
    public static ProblemException foreign() {
        return Bodies.malformed("The cursor is not valid for this list.");
    }

    private static byte[] digest(List<String> list, byte[] text) {
        try {
            MessageDigest digest = MessageDigest.getInstance("SHA-256");
            digest.update(String.join(SEPARATOR, list).getBytes(StandardCharsets.UTF_8));
            digest.update((byte) 0);
            return digest.digest(text);
        } catch (NoSuchAlgorithmException impossible) {
            throw new IllegalStateException("every Java platform has SHA-256", impossible);
        }
    }
}
