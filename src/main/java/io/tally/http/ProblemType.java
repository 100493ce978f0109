package io.tally.http;

import io.tally.counter.Labels;
import java.net.URI;
import java.util.Arrays;
import java.util.Optional;
import org.springframework.http.HttpStatus;

/** The kinds of problems (RFC 9457): each has a {@code type}, a status, a title and the text of its page. */
public enum ProblemType {
    MALFORMED(
            HttpStatus.BAD_REQUEST,
            "The request is malformed",
            "A name, parameter, header field or body is not valid for this route. Nothing was changed. Correct the"
                    + " request before you send it again."),
    STREAM_INCOMPLETE(
            HttpStatus.BAD_REQUEST,
            "The stream was cut off",
            "The rest of the stream did not arrive, or this instance is shutting down. Tally processed the lines"
                    + " before; their results or the summary state the outcome of each. If the stream had an"
                    + " Idempotency-Key, send the whole stream again with the same key: no line counts twice."),
    CROSS_SHARD(
            HttpStatus.BAD_REQUEST,
            "The transaction spans shards",
            "The counters of a transaction must be in one shard, and each namespace is in one. Nothing was changed."
                    + " Namespaces with the same tag share a shard: the tag is the part before a colon, as in"
                    + " acme:stock and acme:sold."),
    UNAUTHENTICATED(
            HttpStatus.UNAUTHORIZED,
            "Valid credentials are required",
            "The request has no credentials, or they are malformed, unknown, expired or revoked. Nothing was changed."
                    + " Send Authorization: Bearer with an access key or a token of the configured issuer."),
    FORBIDDEN(
            HttpStatus.FORBIDDEN,
            "The credentials do not grant this",
            "The credentials are valid, but have no grant for this action in this namespace, which exists or not."
                    + " Nothing was changed. The problem contains the action and the namespace. GET /v1/caller"
                    + " lists the grants."),
    ORIGIN_REFUSED(
            HttpStatus.FORBIDDEN,
            "The origin of the page is not allowed",
            "A page in a browser sent the request, and its origin is not in tally.http.cors.origins, or the page uses a"
                    + " method or a header field that pages may not use. Nothing was changed. If a proxy in front ends"
                    + " TLS, the origin of Tally's own pages must be in the list, too. With the cookie of the console,"
                    + " a request that may write needs the header field Tally-Console: true."),
    NOT_FOUND(HttpStatus.NOT_FOUND, "Not found", "The resource or the route does not exist. Nothing was changed."),
    METHOD_NOT_ALLOWED(
            HttpStatus.METHOD_NOT_ALLOWED,
            "The method is not allowed",
            "The resource does not support this method. The Allow header lists the methods that it supports."),
    NOT_ACCEPTABLE(
            HttpStatus.NOT_ACCEPTABLE,
            "No acceptable representation",
            "The Accept header excludes all media types that the route produces. Most routes produce"
                    + " application/json. The detail of the problem lists the types of this route."),
    REQUEST_TIMEOUT(
            HttpStatus.REQUEST_TIMEOUT,
            "The request took too long to arrive",
            "The client did not send the whole request before the time-out. Nothing was changed."),
    BOUND_EXCEEDED(
            HttpStatus.CONFLICT,
            "The bound would be exceeded",
            "The increment would move the value beyond the counter's min or max, or beyond 64 bits. Nothing was"
                    + " changed. The problem contains the bound and the current value and, for a transaction, the"
                    + " index of the item."),
    BOUNDS_INVERTED(
            HttpStatus.CONFLICT,
            "min would be greater than max",
            "The new bound and the existing one would form an empty range. Nothing was changed."),
    INITIAL_EXCLUDED(
            HttpStatus.CONFLICT,
            "The bounds would exclude the initial value",
            "The initial value would lie outside of the bounds. Nothing was changed. Send a new initial value together"
                    + " with the bounds."),
    EXPIRY_PASSED(
            HttpStatus.CONFLICT,
            "The counter would have expired already",
            "The new time of expiry is not later than the time of the database. Nothing was changed."),
    WRONG_KIND(
            HttpStatus.CONFLICT,
            "The counter is of another kind",
            "A counter of kind plain accepts increments only, a counter of kind members accepts members only. Nothing"
                    + " was changed."),
    TOO_MANY_MEMBERS(
            HttpStatus.CONFLICT,
            "The counter has too many members",
            "Tally deletes a counter and its members in one transaction, and this counter has more members than the"
                    + " limit of one transaction. Nothing was changed."),
    TOO_MANY_KEYS(
            HttpStatus.CONFLICT,
            "There are too many access keys",
            "The number of access keys that are neither revoked nor expired has reached its limit. Nothing was"
                    + " changed. Revoke keys that are not used."),
    CONSTRAINT_VIOLATED(
            HttpStatus.CONFLICT,
            "The database rejected the operation",
            "A constraint or trigger of the database rejects this operation, or the encoding of the database cannot"
                    + " represent a character in it. Nothing was changed. The operator finds the cause in the log."),
    JOB_RUNNING(
            HttpStatus.CONFLICT,
            "A job of this kind is already running",
            "A namespace can have one running job of each kind. Nothing was started. The Location header points to"
                    + " the running job. Send the request again when that job has finished."),
    LAB_BUSY(
            HttpStatus.CONFLICT,
            "The lab is busy",
            "The lab has one run at a time, across all instances. Nothing was started. The Location header points to"
                    + " the active run. Wait until it has finished or stop it, then send the request again."),
    TOKEN_SPACE_EXHAUSTED(
            HttpStatus.CONFLICT,
            "No free token was found",
            "Every token that Tally tried is already pending in the namespace. Nothing was issued. Request a larger"
                    + " size or alphabet, or execute some of the pending tokens."),
    TOKEN_EXECUTED(
            HttpStatus.CONFLICT,
            "The token was already executed",
            "A token can be executed only once. Nothing was changed."),
    CURSOR_EXPIRED(
            HttpStatus.GONE,
            "The cursor has expired",
            "Pages by value and growth show the order at the time of the first page, which Tally keeps for some"
                    + " minutes only. Begin again without a cursor, or list by name: those cursors do not expire."),
    PRECONDITION_FAILED(
            HttpStatus.PRECONDITION_FAILED,
            "The precondition failed",
            "The condition in If-Match or If-None-Match is false for the current state. Nothing was changed. Read the"
                    + " resource again before you retry."),
    CONTENT_TOO_LARGE(
            HttpStatus.CONTENT_TOO_LARGE,
            "The body is too large",
            "The body exceeds the limit of the route. Nothing was changed. Send a smaller body, or send a stream of"
                    + " increments or names, which has no limit."),
    URI_TOO_LONG(
            HttpStatus.URI_TOO_LONG,
            "The URI is too long",
            "The request line exceeds the limit. Nothing was changed. Shorten the URI."),
    UNSUPPORTED_MEDIA_TYPE(
            HttpStatus.UNSUPPORTED_MEDIA_TYPE,
            "The media type is not supported",
            "The route does not support the Content-Type or the Content-Encoding of the body. Send application/json,"
                    + " or application/x-ndjson where the route accepts streams. Compress with gzip or not at all."),
    IDEMPOTENCY_KEY_REUSED(
            HttpStatus.UNPROCESSABLE_CONTENT,
            "The idempotency key belongs to another request",
            "An earlier request with another content used this Idempotency-Key. Nothing was changed. Use a new key"
                    + " for every new request, and the same key only to retry the same request."),
    PRECONDITION_REQUIRED(
            HttpStatus.PRECONDITION_REQUIRED,
            "If-Match is required",
            "A write without If-Match could overwrite changes that the client has not seen. Send the ETag of the"
                    + " last read as If-Match, or send If-Match: * to overwrite any version."),
    RATE_LIMITED(
            HttpStatus.TOO_MANY_REQUESTS,
            "The caller sends too many requests",
            "The rate of the caller's requests exceeds the limit of the access key. Nothing was changed. Retry the"
                    + " request after the time in Retry-After."),
    HEADERS_TOO_LARGE(
            HttpStatus.REQUEST_HEADER_FIELDS_TOO_LARGE,
            "The header fields are too large",
            "The header fields together exceed the limit. Nothing was changed. Send fewer or shorter fields."),
    INTERNAL(
            HttpStatus.INTERNAL_SERVER_ERROR,
            "Unexpected failure",
            "The failure is a defect of the service. The outcome of the operation is unknown. Report the requestId to"
                    + " the operator, who finds the failure in the log."),
    NOT_IMPLEMENTED(
            HttpStatus.NOT_IMPLEMENTED,
            "The transfer coding is not implemented",
            "Tally supports only the transfer coding chunked. Nothing was changed. To compress the content, use"
                    + " Content-Encoding: gzip instead."),
    OVERLOADED(
            HttpStatus.SERVICE_UNAVAILABLE,
            "Tally is overloaded",
            "The queue was full, or the operation exceeded its time-out in the queue. Nothing was changed. Retry the"
                    + " request after the time in Retry-After."),
    LIST_PENDING(
            HttpStatus.SERVICE_UNAVAILABLE,
            "The list is not ready yet",
            "This is the first request for the order of a large namespace. Tally sorts it, which takes some seconds"
                    + " per million counters. Retry the request after the time in Retry-After."),
    STORE_UNAVAILABLE(
            HttpStatus.SERVICE_UNAVAILABLE,
            "The database is unavailable",
            "Tally cannot reach the database, or this instance is shutting down. Nothing was changed. Retry the"
                    + " request after the time in Retry-After."),
    ISSUER_UNAVAILABLE(
            HttpStatus.SERVICE_UNAVAILABLE,
            "The issuer of tokens is unavailable",
            "Tally does not know the key of the token, and cannot load the keys of the issuer. Nothing was changed."
                    + " Retry the request after the time in Retry-After."),
    OUTCOME_UNKNOWN(
            HttpStatus.SERVICE_UNAVAILABLE,
            "The outcome is unknown",
            "Tally sent the operation to the database and got no response in time. The operation was applied once or"
                    + " not at all. If the request had an Idempotency-Key, retry it with the same key: it counts once."
                    + " Otherwise read the counter before you decide.");

    private final HttpStatus status;
    private final String title;
    private final String explanation;
    private final URI uri;

    ProblemType(HttpStatus status, String title, String explanation) {
        this.status = status;
        this.title = title;
        this.explanation = explanation;
        this.uri = URI.create("/problems/" + slug());
    }

    HttpStatus status() {
        return status;
    }

    String title() {
        return title;
    }

    public String explanation() {
        return explanation;
    }

    /** The last segment of the type's URI. */
    String slug() {
        return Labels.label(this);
    }

    /** The URI, relative to the service. */
    URI uri() {
        return uri;
    }

    static Optional<ProblemType> ofSlug(String slug) {
        return Arrays.stream(values()).filter(type -> type.slug().equals(slug)).findFirst();
    }

    /** The type for a failure that has only a status. */
    public static ProblemType ofStatus(int status) {
        return switch (status) {
            case 401 -> UNAUTHENTICATED;
            case 403 -> FORBIDDEN;
            case 404 -> NOT_FOUND;
            case 405 -> METHOD_NOT_ALLOWED;
            case 406 -> NOT_ACCEPTABLE;
            case 408 -> REQUEST_TIMEOUT;
            case 410 -> CURSOR_EXPIRED;
            case 412 -> PRECONDITION_FAILED;
            case 413 -> CONTENT_TOO_LARGE;
            case 414 -> URI_TOO_LONG;
            case 415 -> UNSUPPORTED_MEDIA_TYPE;
            case 422 -> IDEMPOTENCY_KEY_REUSED;
            case 428 -> PRECONDITION_REQUIRED;
            case 429 -> RATE_LIMITED;
            case 431 -> HEADERS_TOO_LARGE;
            case 501 -> NOT_IMPLEMENTED;
            case 503 -> STORE_UNAVAILABLE;
            default -> status >= 400 && status < 500 ? MALFORMED : INTERNAL;
        };
    }
}
