package io.tally.http;

import java.util.List;
import org.springframework.http.HttpHeaders;
import reactor.core.publisher.Mono;

/** Decides who sent a request, and whether it is one too many. Safe for use by many threads. */
public interface AccessControl {

    /** The decision on a request. */
    sealed interface Access {}

    /**
     * The request may go on to its route.
     *
     * @param fields further header fields of the response, of any status
     */
    record Granted(Caller caller, HttpHeaders fields) implements Access {

        /** A request of everybody. */
        public static final Granted ANONYMOUS = new Granted(Caller.ANONYMOUS, HttpHeaders.EMPTY);

        /** A request on a public path, which needs no grant. */
        public static final Granted NOTHING = new Granted(Caller.WITHOUT_GRANTS, HttpHeaders.EMPTY);
    }

    /** The request is refused: 401, 429 or 503. */
    record Denied(ProblemException problem) implements Access {}

    /**
     * The decision takes I/O.
     *
     * @param access emits the decision, which is not pending; never fails; cancelling it has no effect on others
     */
    record Pending(Mono<Access> access) implements Access {}

    /**
     * Decides on a request that is not public. Never blocks: runs on the event loop for each request.
     *
     * @param authorization the values of the {@code Authorization} fields
     */
    Access decide(List<String> authorization);
}
