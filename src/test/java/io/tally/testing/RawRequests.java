package io.tally.testing;

import static java.nio.charset.StandardCharsets.ISO_8859_1;
import static java.nio.charset.StandardCharsets.UTF_8;

import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/** Finds the requests in what a connection has sent, as far as they can be found. Safe for use by many threads. */
final class RawRequests {

    /** What is kept of a connection: the body of a request that is longer is not known. */
    private static final int CHARACTERS_MAX = 4_000_000;

    private final StringBuilder sent = new StringBuilder();
    private int read;
    private boolean lost;

    /** A request; its body is {@code null} where it is not known. */
    record Head(
            String method,
            String target,
            Map<String, List<String>> fields,
            @Nullable String body) {

        static final Head UNKNOWN = new Head("", "", Map.of(), null);
    }

    synchronized void sent(String bytes) {
        if (sent.length() + bytes.length() > CHARACTERS_MAX) {
            lost = true;
        } else if (!lost) {
            sent.append(bytes);
        }
    }

    /** The next request; {@code null} where requests are no longer kept. */
    synchronized @Nullable Head next() {
        String text = sent.substring(read);
        int end = text.indexOf("\r\n\r\n");
        if (end < 0) {
            return lost ? null : Head.UNKNOWN;
        }
        String[] lines = text.substring(0, end).strip().split("\r\n", -1);
        String[] first = lines[0].split(" ", -1);
        if (first.length != 3) {
            return Head.UNKNOWN;
        }
        Map<String, List<String>> fields = fields(lines);
        int bodyStart = end + 4;
        String body = lost ? null : body(text, bodyStart, fields);
        return new Head(first[0], path(first[1]), fields, body);
    }

    private static Map<String, List<String>> fields(String[] lines) {
        Map<String, List<String>> fields = new TreeMap<>();
        for (int i = 1; i < lines.length; i++) {
            int colon = lines[i].indexOf(':');
            if (colon > 0) {
                fields.computeIfAbsent(lines[i].substring(0, colon).toLowerCase(Locale.ROOT), name -> new ArrayList<>())
                        .add(lines[i].substring(colon + 1).strip());
            }
        }
        return fields;
    }

    /** A target may be a whole URI. */
    private static String path(String target) {
        return target.replaceFirst("^[a-z]+://[^/?]*", "");
    }

    private @Nullable String body(String text, int start, Map<String, List<String>> fields) {
        String length = String.join(",", fields.getOrDefault("content-length", List.of("0")));
        int end = text.length();
        String body = null;
        if (fields.containsKey("transfer-encoding")) {
            StringBuilder chunks = new StringBuilder();
            int rest = chunks(text, start, chunks);
            if (rest > 0) {
                end = rest;
                body = chunks.toString();
            }
        } else if (length.matches("[0-9]{1,7}") && start + Integer.parseInt(length) <= text.length()) {
            end = start + Integer.parseInt(length);
            body = text.substring(start, end);
        }
        read += end;
        return body == null ? null : new String(body.getBytes(ISO_8859_1), UTF_8);
    }

    /** Joins chunks; where they end, or -1 where they do not. */
    private static int chunks(String text, int start, StringBuilder joined) {
        int from = start;
        while (true) {
            int line = text.indexOf("\r\n", from);
            if (line < 0 || !text.substring(from, line).matches("[0-9A-Fa-f]{1,6}")) {
                return -1;
            }
            int size = Integer.parseInt(text.substring(from, line), 16);
            int end = line + 2 + size;
            if (end + 2 > text.length()) {
                return -1;
            }
            if (size == 0) {
                return end + 2;
            }
            joined.append(text, line + 2, end);
            from = end + 2;
        }
    }
}
