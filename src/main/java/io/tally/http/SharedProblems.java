package io.tally.http;

import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import org.springframework.http.ProblemDetail;

/** Immutable problems, each kept for the next request that has it. Safe for use by many threads. */
final class SharedProblems {

    private final int keptMax;
    private final Map<Key, ProblemDetail> kept = new ConcurrentHashMap<>();

    private record Key(ProblemType type, String detail) {}

    /**
     * No problems yet.
     *
     * @param keptMax about how many are kept: a detail that was made of a request's own text must not fill the memory
     */
    SharedProblems(int keptMax) {
        this.keptMax = keptMax;
    }

    /** The problem of that type with that detail. */
    ProblemDetail of(ProblemType type, String detail) {
        Key key = new Key(type, detail);
        ProblemDetail known = kept.get(key);
        if (known != null) {
            return known;
        }
        ProblemDetail problem = new ImmutableProblem(Problems.problem(type, detail));
        if (kept.size() < keptMax) {
            kept.putIfAbsent(key, problem);
        }
        return problem;
    }
}
