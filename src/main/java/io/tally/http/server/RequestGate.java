package io.tally.http.server;

import io.netty.handler.codec.http.HttpHeaderNames;
import io.netty.handler.codec.http.HttpHeaderValues;
import io.netty.handler.codec.http.HttpHeaders;
import io.netty.handler.codec.http.HttpMethod;
import io.netty.handler.codec.http.HttpVersion;
import io.tally.http.AccessControl;
import io.tally.http.AccessControl.Access;
import io.tally.http.AccessControl.Denied;
import io.tally.http.AccessControl.Granted;
import io.tally.http.AccessControl.Pending;
import io.tally.http.Bodies;
import io.tally.http.ProblemException;
import io.tally.http.ProblemType;
import io.tally.http.PublicPaths;
import io.tally.http.RequestId;
import io.tally.http.SessionCookies;
import java.util.Iterator;
import java.util.List;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.springframework.stereotype.Component;
import reactor.core.publisher.Mono;

/**
 * The gate that admits or refuses every request. {@link DirectIncrements} calls it, and {@link RequestGateFilter} calls
 * it for Spring's dispatcher. A rule for all requests belongs here, since a {@link
 * org.springframework.web.server.WebFilter} never sees the requests that {@link DirectIncrements} handles.
 */
@Component
class RequestGate {

    private final AccessControl access;
    private final SessionCookies cookies;

    RequestGate(AccessControl access, SessionCookies cookies) {
        this.access = access;
        this.cookies = cookies;
    }

    /** The decision of the gate. The id comes from the client; {@code null} if it sent none. */
    sealed interface Decision {
        @Nullable
        String requestId();
    }

    record Admitted(@Nullable String requestId, Granted access) implements Decision {}

    record Refused(@Nullable String requestId, ProblemException problem) implements Decision {}

    /** The decision takes I/O. The publisher emits one that does not, and never fails. */
    record Waiting(@Nullable String requestId, Mono<Decision> decision) implements Decision {}

    /**
     * A function of the request's head alone. Runs on the event loop for each request: cheap, and never blocking.
     *
     * @param path the path that selects the route, without a query. The target that the client sent may have another
     *     one: {@code http://host/path}, or behind a proxy that sends forwarding fields.
     */
    Decision decide(HttpVersion version, HttpMethod method, String path, HttpHeaders fields) {
        String requestId = RequestId.sent(fields.get(RequestId.HEADER));
        ProblemException problem = problem(version, fields);
        if (problem != null) {
            return new Refused(requestId, problem);
        }
        if (PublicPaths.include(path)) {
            return new Admitted(requestId, Granted.NOTHING);
        }
        return decision(requestId, access(method, fields));
    }

    /** An {@code Authorization} field, valid or not, stands for itself: the cookie counts only without it. */
    private Access access(HttpMethod method, HttpHeaders fields) {
        List<String> authorization = fields.getAll(HttpHeaderNames.AUTHORIZATION);
        List<String> session = authorization.isEmpty() && cookies.accepted()
                ? SessionCookies.authorization(fields.getAll(HttpHeaderNames.COOKIE))
                : List.of();
        if (session.isEmpty()) {
            return access.decide(authorization);
        }
        return isRead(method) || SessionCookies.FIELD_VALUE.equals(fields.get(SessionCookies.FIELD))
                ? access.decide(session)
                : new Denied(SessionCookies.forged());
    }

    private static boolean isRead(HttpMethod method) {
        return method.equals(HttpMethod.GET) || method.equals(HttpMethod.HEAD);
    }

    private static Decision decision(@Nullable String requestId, Access access) {
        return switch (access) {
            case Granted granted -> new Admitted(requestId, granted);
            case Denied denied -> new Refused(requestId, denied.problem());
            case Pending pending -> new Waiting(requestId, pending.access().map(done -> decision(requestId, done)));
        };
    }

    private static @Nullable ProblemException problem(HttpVersion version, HttpHeaders fields) {
        if (!isHostValid(version, fields)) {
            return Bodies.malformed("A request must have exactly one Host field (HTTP/1.0: at most one).");
        }
        if (!isChunkedOnly(fields)) {
            return new ProblemException(ProblemType.NOT_IMPLEMENTED, "The only supported transfer coding is chunked.");
        }
        return ContentCoding.of(fields) == ContentCoding.UNSUPPORTED ? unsupportedCoding() : null;
    }

    /** RFC 9112, section 3.2. */
    private static boolean isHostValid(HttpVersion version, HttpHeaders fields) {
        Iterator<? extends CharSequence> hosts = fields.valueCharSequenceIterator(HttpHeaderNames.HOST);
        if (!hosts.hasNext()) {
            return version.equals(HttpVersion.HTTP_1_0);
        }
        hosts.next();
        return !hosts.hasNext();
    }

    /** RFC 9112, section 6.1. Netty refuses a request whose last transfer coding is not chunked. */
    private static boolean isChunkedOnly(HttpHeaders fields) {
        return !fields.contains(HttpHeaderNames.TRANSFER_ENCODING)
                || Stream.of(String.join(",", fields.getAll(HttpHeaderNames.TRANSFER_ENCODING))
                                .split(",", -1))
                        .map(String::strip)
                        .allMatch(
                                coding -> coding.isEmpty() || HttpHeaderValues.CHUNKED.contentEqualsIgnoreCase(coding));
    }

    /** The response lists the supported codings (RFC 9110, section 15.5.16). */
    private static ProblemException unsupportedCoding() {
        var supported = new org.springframework.http.HttpHeaders();
        supported.set(org.springframework.http.HttpHeaders.ACCEPT_ENCODING, "gzip");
        return new ProblemException(
                ProblemType.UNSUPPORTED_MEDIA_TYPE,
                "The Content-Encoding of a body must be gzip or absent.",
                supported);
    }
}
