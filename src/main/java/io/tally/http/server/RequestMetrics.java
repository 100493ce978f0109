package io.tally.http.server;

/**
 * Metrics of requests that are answered below Spring's dispatcher, which observes all others itself. Called from
 * many threads: cheap, and never blocking.
 */
public interface RequestMetrics {

    /**
     * An answer was sent. Requests whose client goes away before that are in no series.
     *
     * @param method of the request
     * @param pattern of its path
     * @param status of the answer
     * @param nanos since the request came
     */
    void answered(String method, String pattern, int status, long nanos);

    /** Why the rest of a request did not arrive. */
    enum Abort {
        TIMEOUT,
        DISCONNECT,
        INVALID_CHUNK
    }

    /** The rest of a request did not arrive. */
    void aborted(Abort reason);
}
