package io.tally.http.server;

import io.netty.handler.codec.http.HttpHeaders;
import io.netty.handler.codec.http.HttpMethod;
import io.tally.http.ProblemException;
import io.tally.http.ProblemType;
import io.tally.http.RequestId;
import org.jspecify.annotations.Nullable;
import org.springframework.stereotype.Component;

/**
 * The gate that admits or refuses every request, whether {@link DirectIncrements} or Spring's dispatcher handles it:
 * {@link RequestGateFilter} asks for the dispatcher. A rule for all requests belongs here, since a
 * {@link org.springframework.web.server.WebFilter} never sees the requests that {@link DirectIncrements} handles.
 */
@Component
class RequestGate {

    private static final Decision WITHOUT_ID = new Admitted(null);

    /** What the gate decided. The id is the one that the client sent, {@code null} where it sent none. */
    sealed interface Decision {
        @Nullable
        String requestId();
    }

    record Admitted(@Nullable String requestId) implements Decision {}

    record Refused(@Nullable String requestId, ProblemException problem) implements Decision {}

    /** A function of the request's head alone. Runs on the event loop for each request: cheap, and never blocking. */
    Decision decide(HttpMethod method, String uri, HttpHeaders fields) {
        String requestId = RequestId.sent(fields.get(RequestId.HEADER));
        if (ContentCoding.of(fields) == ContentCoding.UNSUPPORTED) {
            return new Refused(requestId, unsupportedCoding());
        }
        return requestId == null ? WITHOUT_ID : new Admitted(requestId);
    }

    /** With the codings that are supported (RFC 9110, section 15.5.16). */
    private static ProblemException unsupportedCoding() {
        var supported = new org.springframework.http.HttpHeaders();
        supported.set(org.springframework.http.HttpHeaders.ACCEPT_ENCODING, "gzip");
        return new ProblemException(
                ProblemType.UNSUPPORTED_MEDIA_TYPE, "A body's Content-Encoding is gzip or none.", supported);
    }
}
