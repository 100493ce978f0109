package io.tally.http.server;

import io.netty.handler.codec.http.HttpHeaderNames;
import io.netty.handler.codec.http.HttpHeaderValues;
import io.netty.handler.codec.http.HttpHeaders;
import java.util.List;

/** The content coding of a request body (RFC 9110, section 8.4). */
enum ContentCoding {
    IDENTITY,
    GZIP,
    UNSUPPORTED;

    /** The coding in the header fields of a request. */
    static ContentCoding of(HttpHeaders fields) {
        return fields.contains(HttpHeaderNames.CONTENT_ENCODING)
                ? of(String.join(",", fields.getAll(HttpHeaderNames.CONTENT_ENCODING)))
                : IDENTITY;
    }

    private static ContentCoding of(String list) {
        List<String> codings = List.of(list.split(",")).stream()
                .map(String::strip)
                .filter(coding -> !coding.isEmpty() && !HttpHeaderValues.IDENTITY.contentEqualsIgnoreCase(coding))
                .toList();
        if (codings.isEmpty()) {
            return IDENTITY;
        }
        return codings.size() == 1 && isGzip(codings.getFirst()) ? GZIP : UNSUPPORTED;
    }

    private static boolean isGzip(String coding) {
        return HttpHeaderValues.GZIP.contentEqualsIgnoreCase(coding)
                || HttpHeaderValues.X_GZIP.contentEqualsIgnoreCase(coding);
    }
}
