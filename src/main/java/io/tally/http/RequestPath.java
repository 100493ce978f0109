package io.tally.http;

import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.util.HexFormat;
import org.springframework.web.reactive.function.server.ServerRequest;
import org.springframework.web.util.UriUtils;

/**
 * Decodes segments of paths. Spring's path pattern does not, since it takes {@code ;} for the start of parameters and
 * replaces invalid UTF-8 by a replacement character: in both cases, the request would concern another resource than the
 * client meant.
 */
public final class RequestPath {

    private RequestPath() {}

    /**
     * A segment, counted from 0: {@code /v1/counters/shop} has {@code shop} as segment 2.
     *
     * @throws ProblemException if it is not percent-encoded UTF-8
     */
    public static String segment(ServerRequest request, int position) {
        // Separators are elements, too, and a path begins with one.
        return decode(request.requestPath()
                .pathWithinApplication()
                .elements()
                .get(2 * position + 1)
                .value());
    }

    /** A text as a segment. */
    public static String encode(String text) {
        return UriUtils.encode(text, StandardCharsets.UTF_8);
    }

    /** Percent-decodes strictly: US-ASCII in, UTF-8 out. */
    public static String decode(String raw) {
        if (isPlain(raw)) {
            return raw;
        }
        ByteBuffer bytes = ByteBuffer.allocate(raw.length());
        try {
            for (int i = 0; i < raw.length(); i++) {
                char c = raw.charAt(i);
                if (c == '%') {
                    bytes.put((byte) HexFormat.fromHexDigits(raw, i + 1, i + 3));
                    i += 2;
                } else if (c < 0x80) {
                    bytes.put((byte) c);
                } else {
                    throw new ProblemException(ProblemType.MALFORMED, "The URI must be percent-encoded UTF-8.");
                }
            }
            return StandardCharsets.UTF_8.newDecoder().decode(bytes.flip()).toString();
        } catch (CharacterCodingException | IllegalArgumentException | IndexOutOfBoundsException malformed) {
            throw new ProblemException(ProblemType.MALFORMED, "The URI must be percent-encoded UTF-8.");
        }
    }

    private static boolean isPlain(String raw) {
        for (int i = 0; i < raw.length(); i++) {
            char c = raw.charAt(i);
            if (c == '%' || c >= 0x80) {
                return false;
            }
        }
        return true;
    }
}
