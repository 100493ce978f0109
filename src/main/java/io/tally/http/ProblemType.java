package io.tally.http;

import io.tally.counter.Labels;
import java.net.URI;
import java.util.Arrays;
import java.util.Optional;
import org.springframework.http.HttpStatus;

/** Everything that can be refused or go wrong: the {@code type} of a problem (RFC 9457), and the page it points to. */
public enum ProblemType {
    MALFORMED(
            HttpStatus.BAD_REQUEST,
            "The request is malformed",
            "A name, parameter, header or body is not what the route takes. Nothing was changed. Mend the request"
                    + " before sending it again."),
    STREAM_INCOMPLETE(
            HttpStatus.BAD_REQUEST,
            "The stream broke off",
            "The rest of the stream did not arrive, or this instance is stopping. The lines before were applied, each"
                    + " as its answer or the summary says. If the stream had an Idempotency-Key, send all of it again"
                    + " with the same: no line counts twice."),
    NOT_FOUND(HttpStatus.NOT_FOUND, "Not found", "There is no such thing, or no such route. Nothing was changed."),
    METHOD_NOT_ALLOWED(
            HttpStatus.METHOD_NOT_ALLOWED,
            "The method is not allowed",
            "The resource exists and does not take this method; the Allow header has those it takes."),
    NOT_ACCEPTABLE(
            HttpStatus.NOT_ACCEPTABLE,
            "No acceptable representation",
            "The Accept header leaves out what the route answers with, which is application/json but for streams. The"
                    + " problem has its types."),
    REQUEST_TIMEOUT(
            HttpStatus.REQUEST_TIMEOUT,
            "The request took too long to arrive",
            "The rest of the request did not arrive in time. Nothing was changed."),
    BOUND_EXCEEDED(
            HttpStatus.CONFLICT,
            "A bound would be passed",
            "The value would have passed the counter's min or max, or the end of 64 bits. Nothing was changed. The"
                    + " problem has the bound and the value found, and for a transaction which of its items it was."),
    BOUNDS_INVERTED(
            HttpStatus.CONFLICT,
            "min would be greater than max",
            "The change and the bound that it leaves in place make an empty range. Nothing was changed."),
    WRONG_KIND(
            HttpStatus.CONFLICT,
            "The counter is of another kind",
            "A plain counter moves by increments, a members counter by members. Nothing was changed."),
    TOO_MANY_MEMBERS(
            HttpStatus.CONFLICT,
            "The counter has too many members",
            "A counter is removed together with its members, in one transaction, and so many are too much for one."
                    + " Nothing was changed."),
    CONSTRAINT_VIOLATED(
            HttpStatus.CONFLICT,
            "The database refused the operation",
            "A constraint or trigger that was added to the database refuses this operation, or the encoding of the"
                    + " database lacks a character of a text in it. Nothing was changed."),
    JOB_RUNNING(
            HttpStatus.CONFLICT,
            "Such a job is running",
            "A job of the same kind runs in this namespace, and there is one at a time. Nothing was started. The"
                    + " Location header says which one runs: watch it, and ask again when it is finished."),
    LAB_BUSY(
            HttpStatus.CONFLICT,
            "The lab is busy",
            "The lab tries one thing at a time, whichever instance is asked. Nothing was started. The Location header"
                    + " says which run is under way: watch it, or stop it, and ask again when it is finished."),
    TOKEN_SPACE_EXHAUSTED(
            HttpStatus.CONFLICT,
            "No free token was found",
            "Every text that was tried belongs to a pending token of the namespace. Nothing was issued. Ask for a"
                    + " larger size or alphabet, or execute some of those that are pending."),
    TOKEN_EXECUTED(
            HttpStatus.CONFLICT,
            "The token is executed already",
            "A token is executed once, and this one was executed before. Nothing was changed."),
    CURSOR_EXPIRED(
            HttpStatus.GONE,
            "The cursor is too old",
            "Pages by value and growth show the order as it was when the first was asked for, and that is kept for"
                    + " minutes only. Begin again without a cursor, or read by name, which has no such limit."),
    PRECONDITION_FAILED(
            HttpStatus.PRECONDITION_FAILED,
            "The precondition does not hold",
            "If-Match or If-None-Match does not hold of the counter. Nothing was changed. Read it again, then decide."),
    CONTENT_TOO_LARGE(
            HttpStatus.CONTENT_TOO_LARGE, "The body is too large", "The body is longer than the route takes."),
    URI_TOO_LONG(HttpStatus.URI_TOO_LONG, "The URI is too long", "The request line is longer than the limit."),
    UNSUPPORTED_MEDIA_TYPE(
            HttpStatus.UNSUPPORTED_MEDIA_TYPE,
            "The media type is not supported",
            "The body's Content-Type is not one that the route takes. Send application/json, or application/x-ndjson"
                    + " where the route takes streams. Or its Content-Encoding is not supported: send gzip, or none."),
    IDEMPOTENCY_KEY_REUSED(
            HttpStatus.UNPROCESSABLE_CONTENT,
            "The idempotency key is another request's",
            "Something else was asked for under this Idempotency-Key before. Nothing was changed. Use a new key for"
                    + " every new request, and the same only to send the same again."),
    PRECONDITION_REQUIRED(
            HttpStatus.PRECONDITION_REQUIRED,
            "If-Match is required",
            "Setting a value blindly would lose what happened since it was read. Send the ETag you read as If-Match,"
                    + " or If-Match: * to overwrite any version."),
    HEADERS_TOO_LARGE(
            HttpStatus.REQUEST_HEADER_FIELDS_TOO_LARGE,
            "The header fields are too large",
            "The header fields are longer than the limit."),
    INTERNAL(
            HttpStatus.INTERNAL_SERVER_ERROR,
            "Something unforeseen went wrong",
            "This is a defect of the service. Whether the operation was applied is not known."),
    NOT_IMPLEMENTED(
            HttpStatus.NOT_IMPLEMENTED,
            "The transfer coding is not implemented",
            "The Transfer-Encoding names another coding than chunked. Nothing was changed. Compress the content"
                    + " instead, and say so in Content-Encoding."),
    OVERLOADED(
            HttpStatus.SERVICE_UNAVAILABLE,
            "Too much is waiting",
            "The queue was full, or the operation waited in it too long. Nothing was changed: send it again after"
                    + " Retry-After."),
    LIST_PENDING(
            HttpStatus.SERVICE_UNAVAILABLE,
            "The list is not ready yet",
            "The order of a large namespace was requested for the first time. Finding it takes some seconds for each"
                    + " million counters. Ask again after Retry-After."),
    STORE_UNAVAILABLE(
            HttpStatus.SERVICE_UNAVAILABLE,
            "The database is away",
            "The database could not be reached, or this instance is stopping. Nothing was changed: send it again after"
                    + " Retry-After."),
    OUTCOME_UNKNOWN(
            HttpStatus.SERVICE_UNAVAILABLE,
            "The outcome is not known",
            "The operation was sent to the database and no answer came in time. It was applied once or not at all. If"
                    + " it had an Idempotency-Key, send it again with the same: it counts once. If not, read the"
                    + " counter to see.");

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

    /** The type for a failure of which only the status is known. */
    public static ProblemType ofStatus(int status) {
        return switch (status) {
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
            case 431 -> HEADERS_TOO_LARGE;
            case 501 -> NOT_IMPLEMENTED;
            case 503 -> STORE_UNAVAILABLE;
            default -> status >= 400 && status < 500 ? MALFORMED : INTERNAL;
        };
    }
}
