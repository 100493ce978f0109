package io.tally.http;

import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.Base64;
import java.util.List;

/**
 * The end of a page, as a text that the client sends back: base64url of some texts and a digest of them and of the
 * list. The digest detects a cursor of another list and a changed one. It is not keyed, since a cursor contains nothing
 * that its client may not read.
 */
public final class Cursor {

    /** The maximum length: two names of maximum length and some numbers. */
    private static final int LENGTH_MAX = 2_048;

    private static final int DIGEST_BYTES = 8;

    /** Cannot occur in a name: names have no control characters. */
    private static final String SEPARATOR = "\n";

    private Cursor() {}

    /**
     * The cursor of a place in a list.
     *
     * @param list identifies the list; {@link #read} needs the same texts
     * @param place texts without line feeds
     */
    public static String write(List<String> list, List<String> place) {
        byte[] text = String.join(SEPARATOR, place).getBytes(StandardCharsets.UTF_8);
        ByteBuffer bytes = ByteBuffer.allocate(DIGEST_BYTES + text.length);
        bytes.put(digest(list, text), 0, DIGEST_BYTES).put(text);
        return Base64.getUrlEncoder().withoutPadding().encodeToString(bytes.array());
    }

    /**
     * The place of a cursor.
     *
     * @throws ProblemException if it was not written for this list
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
            // An undecodable cursor is invalid like any other.
        }
        throw foreign();
    }

    /**
     * The problem of a cursor of another list or another database, such as one with text that the encoding of the
     * database cannot represent.
     */
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
