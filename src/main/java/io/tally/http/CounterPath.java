package io.tally.http;

import io.tally.counter.CounterId;
import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.util.HexFormat;
import org.springframework.http.server.PathContainer;
import org.springframework.web.reactive.function.server.ServerRequest;
import org.springframework.web.util.UriUtils;

/**
 * Counters in paths: {@code /v1/counters/{namespace}/{name}}. The segments are decoded here and not by the path pattern,
 * which takes {@code ;} for the start of parameters and lets invalid UTF-8 through as a replacement character: both would
 * name another counter than the caller meant.
 */
final class CounterPath {

    static final String COUNTER = "/v1/counters/{namespace}/{name}";
    static final String INCREMENTS = COUNTER + "/increments";

    /** Separators are elements, too: {@code / v1 / counters / namespace / name}. */
    private static final int NAMESPACE_ELEMENT = 5;

    private static final int NAME_ELEMENT = 7;

    private CounterPath() {}

    /**
     * The counter a request is about.
     *
     * @throws ProblemException where the path does not name one
     */
    static CounterId counter(ServerRequest request) {
        var elements = request.requestPath().pathWithinApplication().elements();
        return Bodies.checked(
                () -> new CounterId(segment(elements.get(NAMESPACE_ELEMENT)), segment(elements.get(NAME_ELEMENT))));
    }

    static String path(CounterId counter) {
        return "/v1/counters/" + counter.namespace() + "/" + UriUtils.encode(counter.name(), StandardCharsets.UTF_8);
    }

    private static String segment(PathContainer.Element element) {
        return decode(element.value());
    }

    /** Percent-decodes strictly: US-ASCII in, UTF-8 out. */
    static String decode(String raw) {
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
                    throw new ProblemException(ProblemType.MALFORMED, "A path is percent-encoded UTF-8.");
                }
            }
            return StandardCharsets.UTF_8.newDecoder().decode(bytes.flip()).toString();
        } catch (CharacterCodingException | IllegalArgumentException | IndexOutOfBoundsException malformed) {
            throw new ProblemException(ProblemType.MALFORMED, "A path is percent-encoded UTF-8.");
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
