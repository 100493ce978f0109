package io.tally.http;

import java.net.URI;
import org.springframework.http.HttpHeaders;
import org.springframework.http.ProblemDetail;

/** A refused request. Has no stack trace, since it becomes a response and is no defect. */
public final class ProblemException extends RuntimeException {

    private static final long serialVersionUID = 1L;

    private final transient ProblemDetail problem;
    private final transient HttpHeaders headers;

    /** A problem of that type. */
    public ProblemException(ProblemType type, String detail) {
        this(type, detail, HttpHeaders.EMPTY);
    }

    /** A problem whose response has these header fields, too. */
    public ProblemException(ProblemType type, String detail, HttpHeaders headers) {
        super(detail, null, false, false);
        this.problem = Problems.problem(type, detail);
        this.headers = headers;
    }

    /** A problem with the location of another resource. */
    public static ProblemException at(URI location, ProblemType type, String detail) {
        HttpHeaders headers = new HttpHeaders();
        headers.setLocation(location);
        return new ProblemException(type, detail, headers);
    }

    /** This problem. */
    public ProblemException(ProblemDetail problem) {
        super(problem.getDetail(), null, false, false);
        this.problem = problem;
        this.headers = HttpHeaders.EMPTY;
    }

    public ProblemDetail problem() {
        return problem;
    }

    HttpHeaders headers() {
        return headers;
    }
}
