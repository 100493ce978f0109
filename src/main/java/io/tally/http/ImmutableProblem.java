package io.tally.http;

import java.net.URI;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import org.springframework.http.ProblemDetail;

/** A problem that many requests share. Safe for use by many threads: every setter throws. */
final class ImmutableProblem extends ProblemDetail {

    private static final long serialVersionUID = 1L;

    ImmutableProblem(ProblemDetail problem) {
        super(problem);
    }

    private static UnsupportedOperationException immutable() {
        return new UnsupportedOperationException("This problem is shared: make a copy, and change that");
    }

    @Override
    public void setType(@Nullable URI type) {
        throw immutable();
    }

    @Override
    public void setTitle(@Nullable String title) {
        throw immutable();
    }

    @Override
    public void setStatus(int status) {
        throw immutable();
    }

    @Override
    public void setDetail(@Nullable String detail) {
        throw immutable();
    }

    @Override
    public void setInstance(@Nullable URI instance) {
        throw immutable();
    }

    @Override
    public void setProperty(String name, @Nullable Object value) {
        throw immutable();
    }

    @Override
    public void setProperties(@Nullable Map<String, Object> properties) {
        throw immutable();
    }
}
