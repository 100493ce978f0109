package io.tally.access;

import io.github.bucket4j.Bucket;
import io.micrometer.core.instrument.Counter;
import io.micrometer.core.instrument.MeterRegistry;
import io.tally.counter.Labels;
import io.tally.http.AccessControl.Denied;
import io.tally.http.Action;
import io.tally.http.Caller;
import io.tally.http.ProblemException;
import io.tally.http.ProblemType;
import io.tally.telemetry.Meter;
import io.tally.telemetry.MeterFamily;
import java.time.Duration;
import java.util.concurrent.atomic.LongAdder;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.springframework.http.HttpHeaders;

/**
 * Refuses requests and items of them: counts each, logs some, and makes the problem of a request. Neither the log nor a
 * problem contains credentials. Safe for use by many threads.
 */
final class AccessRefusals implements Caller.Observer {

    /** The category of refusals and of changes of keys. */
    static final Logger LOG = LoggerFactory.getLogger("io.tally.access");

    /** With more lines, a client without credentials could fill the log. */
    private static final int LINES_PER_SECOND_MAX = 10;

    private static final String SCHEME = "Bearer realm=\"tally\"";

    /** Why a request is refused, a label of the meter. */
    enum Reason {
        /** The request has no Authorization field, or one of another scheme. */
        MISSING(ProblemType.UNAUTHENTICATED, "The request has no Authorization field with the scheme Bearer."),
        /** The credentials cannot be valid: wrong form, wrong checksum, several fields. */
        MALFORMED(ProblemType.UNAUTHENTICATED, "The credentials are malformed."),
        /** No such key, or no valid signature. */
        UNKNOWN(ProblemType.UNAUTHENTICATED, "The credentials are unknown."),
        EXPIRED(ProblemType.UNAUTHENTICATED, "The credentials have expired."),
        REVOKED(ProblemType.UNAUTHENTICATED, "The credentials are revoked."),
        /** The caller has no grant. Each item of an array and each line of a stream counts, a transaction once. */
        FORBIDDEN(ProblemType.FORBIDDEN, "The credentials do not grant this."),
        RATE_LIMITED(ProblemType.RATE_LIMITED, "The access key sends too many requests."),
        /** The issuer has signed the token, but its claims do not allow it here. */
        INVALID(ProblemType.UNAUTHENTICATED, "The token is not valid."),
        /** The credentials cannot be checked now. */
        UNAVAILABLE(ProblemType.STORE_UNAVAILABLE, "The credentials cannot be checked. Nothing was applied."),
        /** The key of the token is unknown, and the keys of the issuer cannot be loaded. */
        ISSUER_UNAVAILABLE(
                ProblemType.ISSUER_UNAVAILABLE,
                "The key of the token is unknown, and the issuer's keys cannot be loaded. Nothing was applied."),
        /** Too many requests wait for a check of their credentials. */
        OVERLOADED(
                ProblemType.OVERLOADED,
                "Too many requests wait for a check of their credentials. Nothing was applied.");

        private final ProblemType type;
        private final String detail;

        Reason(ProblemType type, String detail) {
            this.type = type;
            this.detail = detail;
        }
    }

    private final MeterFamily<Reason, Counter> refused;
    private final Bucket lines = Bucket.builder()
            .addLimit(limit ->
                    limit.capacity(LINES_PER_SECOND_MAX).refillGreedy(LINES_PER_SECOND_MAX, Duration.ofSeconds(1)))
            .build();
    private final LongAdder unlogged = new LongAdder();

    AccessRefusals(MeterRegistry registry) {
        refused = Meter.ACCESS_REFUSED.counters(registry, Reason.class);
    }

    /**
     * Refuses a request.
     *
     * @param who the name of the credentials for the log, never the credentials; empty if they have none
     */
    Denied deny(Reason reason, String who) {
        return deny(reason, who, fields(reason));
    }

    /** Refuses a request. The response has these header fields, too. */
    Denied deny(Reason reason, String who, HttpHeaders fields) {
        return deny(reason, who, reason.detail, fields);
    }

    /** Refuses a token. */
    Denied denyToken(Reason reason, String detail) {
        return deny(reason, "", detail, fields(reason));
    }

    private Denied deny(Reason reason, String who, String detail, HttpHeaders fields) {
        refused.of(reason).increment();
        log("a request", who, reason, 1);
        return new Denied(new ProblemException(reason.type, detail, fields));
    }

    @Override
    public void forbidden(Caller caller, Action action) {
        refused.of(Reason.FORBIDDEN).increment();
        log("a request", forAction(caller, action), Reason.FORBIDDEN, 1);
    }

    @Override
    public void forbidden(Caller caller, Action action, long items) {
        refused.of(Reason.FORBIDDEN).increment((double) items);
        log(items == 1 ? "an item" : items + " items", forAction(caller, action), Reason.FORBIDDEN, items);
    }

    private static String forAction(Caller caller, Action action) {
        return caller.name() + " for the action " + action.label();
    }

    private void log(String what, String who, Reason reason, long refusals) {
        if (!lines.tryConsume(1)) {
            unlogged.add(refusals);
            return;
        }
        long others = unlogged.sumThenReset();
        LOG.warn(
                "Refused {} of {}: {}{}",
                what,
                who.isEmpty() ? "an unknown caller" : who,
                Labels.label(reason),
                others == 0 ? "" : "; " + others + " further refusals are not logged");
    }

    private static HttpHeaders fields(Reason reason) {
        HttpHeaders fields = new HttpHeaders();
        if (reason.type == ProblemType.UNAUTHENTICATED) {
            // RFC 6750, section 3.1: a request without credentials gets no error code.
            fields.set(
                    HttpHeaders.WWW_AUTHENTICATE,
                    reason == Reason.MISSING ? SCHEME : SCHEME + ", error=\"invalid_token\"");
        }
        return fields;
    }
}
