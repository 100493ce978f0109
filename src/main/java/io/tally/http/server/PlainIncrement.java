package io.tally.http.server;

import io.netty.handler.codec.http.HttpHeaderNames;
import io.netty.handler.codec.http.HttpHeaderValues;
import io.netty.handler.codec.http.HttpHeaders;
import io.netty.handler.codec.http.HttpMethod;
import io.netty.handler.codec.http.HttpRequest;
import io.netty.handler.codec.http.HttpVersion;
import io.netty.util.AsciiString;
import io.tally.counter.CounterId;
import io.tally.http.Bodies;
import io.tally.http.ProblemException;
import java.util.List;

/**
 * Plain increments: an unescaped path, neither a precondition nor a preference, and an empty or small JSON body. Most
 * clients send these. CounterRoutes handles every other request, allowed or not.
 */
final class PlainIncrement {

    private static final String BEFORE = "/v1/counters/";
    private static final String AFTER = "/increments";

    /** The maximum of digits of the body's length: up to 999 bytes. A delta takes forty at most. */
    private static final int BODY_DIGITS_MAX = 3;

    private static final int PORT_MAX = 65_535;
    private static final int PORT_DIGITS_MAX = 5;

    private static final AsciiString PREFER = AsciiString.cached("prefer");

    private static final List<CharSequence> UNUSUAL = List.of(
            HttpHeaderNames.IF_MATCH,
            HttpHeaderNames.IF_NONE_MATCH,
            HttpHeaderNames.TRANSFER_ENCODING,
            HttpHeaderNames.CONTENT_ENCODING,
            HttpHeaderNames.EXPECT,
            PREFER,
            // CorsFilter evaluates it.
            HttpHeaderNames.ORIGIN);

    private PlainIncrement() {}

    /** Whether a request is a plain increment. */
    static boolean isOne(HttpRequest request) {
        return request.decoderResult().isSuccess()
                && isSupported(request.protocolVersion())
                && isOne(request.method(), request.uri(), request.headers());
    }

    private static boolean isSupported(HttpVersion version) {
        return version.equals(HttpVersion.HTTP_1_1) || version.equals(HttpVersion.HTTP_1_0);
    }

    static boolean isOne(HttpMethod method, String uri, HttpHeaders headers) {
        return method.equals(HttpMethod.POST) && isPlain(uri) && isPlain(headers);
    }

    private static boolean isPlain(String uri) {
        if (!uri.startsWith(BEFORE) || !uri.endsWith(AFTER)) {
            return false;
        }
        int end = uri.length() - AFTER.length();
        int slash = uri.indexOf('/', BEFORE.length());
        return slash > BEFORE.length()
                && slash < end - 1
                && isPlain(uri, BEFORE.length(), slash)
                && isPlain(uri, slash + 1, end);
    }

    /**
     * Unreserved characters (RFC 3986, section 2.3), which need no decoding, and the colon, which is common in names.
     */
    private static boolean isPlain(String text, int from, int to) {
        for (int i = from; i < to; i++) {
            char c = text.charAt(i);
            boolean letter = (c | 0x20) >= 'a' && (c | 0x20) <= 'z';
            boolean digitOrColon = c >= '0' && c <= ':';
            if (!letter && !digitOrColon && c != '-' && c != '.' && c != '_' && c != '~') {
                return false;
            }
        }
        return true;
    }

    private static boolean isPlain(HttpHeaders headers) {
        for (CharSequence name : UNUSUAL) {
            if (headers.contains(name)) {
                return false;
            }
        }
        return isHostPlain(headers) && isAccepted(headers) && isBodyPlain(headers);
    }

    /** The dispatcher refuses a request with an invalid URI. */
    private static boolean isHostPlain(HttpHeaders headers) {
        String host = headers.get(HttpHeaderNames.HOST);
        if (host == null) {
            return true;
        }
        int colon = host.indexOf(':');
        return isPlain(host, 0, host.length()) && (colon < 0 || isPort(host, colon + 1));
    }

    private static boolean isPort(String host, int from) {
        int digits = host.length() - from;
        if (digits < 1 || digits > PORT_DIGITS_MAX) {
            return false;
        }
        for (int i = from; i < host.length(); i++) {
            if (host.charAt(i) < '0' || host.charAt(i) > '9') {
                return false;
            }
        }
        return Integer.parseInt(host, from, host.length(), 10) <= PORT_MAX;
    }

    /** A body has a length and a type; a type without a body is ignored. */
    private static boolean isBodyPlain(HttpHeaders headers) {
        String length = headers.get(HttpHeaderNames.CONTENT_LENGTH);
        return length == null
                || length.equals("0")
                || (length.length() <= BODY_DIGITS_MAX
                        && length.charAt(0) != '0'
                        && HttpHeaderValues.APPLICATION_JSON.contentEqualsIgnoreCase(
                                headers.get(HttpHeaderNames.CONTENT_TYPE)));
    }

    /** CounterRoutes evaluates lists of types, in one field or in several. */
    private static boolean isAccepted(HttpHeaders headers) {
        if (!headers.contains(HttpHeaderNames.ACCEPT)) {
            return true;
        }
        List<String> accepted = headers.getAll(HttpHeaderNames.ACCEPT);
        return accepted.size() == 1
                && (accepted.getFirst().equals("*/*")
                        || HttpHeaderValues.APPLICATION_JSON.contentEqualsIgnoreCase(accepted.getFirst()));
    }

    /**
     * The counter of a plain increment.
     *
     * @throws ProblemException if the path does not name a counter
     */
    static CounterId counter(String uri) {
        int slash = uri.indexOf('/', BEFORE.length());
        return Bodies.checked(() -> new CounterId(
                uri.substring(BEFORE.length(), slash), uri.substring(slash + 1, uri.length() - AFTER.length())));
    }
}
