package io.tally.http;

import java.util.List;
import org.jspecify.annotations.Nullable;
import org.springframework.http.ProblemDetail;
import org.springframework.web.reactive.function.server.ServerRequest;
import org.springframework.web.server.ServerWebExchange;
import reactor.core.publisher.Mono;

/**
 * Who sent a request, and what that caller may do. Immutable.
 *
 * @param name the name in responses and logs, such as {@code key:checkout}
 * @param scope what distinguishes the caller's idempotency keys from those of others where a request spans namespaces;
 *     stable under rotation; {@code null} for the anonymous caller
 * @param grants what the caller may do
 * @param observer gets each refusal for lack of a grant
 * @param end completes when the credentials of the request are no longer valid: its stream ends then, too
 */
public record Caller(String name, @Nullable String scope, List<Grant> grants, Observer observer, Mono<Void> end) {

    /** Everybody, where no credentials are required. */
    public static final Caller ANONYMOUS = new Caller("anonymous", null, List.of(Grant.ALL));

    /** The caller of a public path. A route that needs a grant refuses it. */
    static final Caller WITHOUT_GRANTS = new Caller("anonymous", null, List.of());

    private static final String ATTRIBUTE = Caller.class.getName();

    public Caller {
        grants = List.copyOf(grants);
    }

    /** A caller without an observer, whose credentials stay valid. */
    public Caller(String name, @Nullable String scope, List<Grant> grants) {
        this(name, scope, grants, Observer.NONE, Mono.never());
    }

    /** An observer of refusals for lack of a grant. */
    public interface Observer {

        /** Observes nothing. */
        Observer NONE = new Observer() {};

        /** The caller has no grant for the action of its request. */
        default void forbidden(Caller caller, Action action) {}

        /**
         * The caller has no grant for some items of its array, or for some lines of its stream.
         *
         * @param items their number, at least 1
         */
        default void forbidden(Caller caller, Action action, long items) {}
    }

    /** The same caller with that observer. */
    public Caller observedBy(Observer other) {
        return new Caller(name, scope, grants, other, end);
    }

    /** The same caller with credentials that cease to be valid. */
    public Caller until(Mono<Void> other) {
        return new Caller(name, scope, grants, observer, other);
    }

    /** Makes a caller the one of an exchange. */
    public static void set(ServerWebExchange exchange, Caller caller) {
        exchange.getAttributes().put(ATTRIBUTE, caller);
    }

    /**
     * The caller of a request.
     *
     * @throws IllegalStateException if the gate admitted the request without one
     */
    public static Caller of(ServerRequest request) {
        return (Caller) request.attribute(ATTRIBUTE)
                .orElseThrow(() -> new IllegalStateException("a request without a caller: " + request.path()));
    }

    /** Whether an action is allowed in a namespace. */
    public boolean may(Action action, String namespace) {
        for (Grant grant : grants) {
            if (grant.allows(action, namespace)) {
                return true;
            }
        }
        return false;
    }

    /**
     * Requires that an action is allowed in a namespace.
     *
     * @throws ProblemException 403 if not, whether the namespace exists or not
     */
    public void require(Action action, String namespace) {
        if (!may(action, namespace)) {
            observer.forbidden(this, action);
            throw new ProblemException(forbidden(action, namespace));
        }
    }

    /**
     * Requires that one of some actions is allowed in a namespace.
     *
     * @throws ProblemException 403 with the first action if none is
     */
    public void requireAny(List<Action> actions, String namespace) {
        for (Action action : actions) {
            if (may(action, namespace)) {
                return;
            }
        }
        require(actions.getFirst(), namespace);
    }

    /**
     * Requires that one of some actions is allowed in some namespace.
     *
     * @throws ProblemException 403 with the first action if none is
     */
    void requireAny(List<Action> actions) {
        if (grants.stream().noneMatch(grant -> actions.stream().anyMatch(grant::allows))) {
            observer.forbidden(this, actions.getFirst());
            throw new ProblemException(forbidden(actions.getFirst(), null));
        }
    }

    /**
     * Requires that an action is allowed in all namespaces, also in those that do not exist yet.
     *
     * @throws ProblemException 403 if not
     */
    public void requireEverywhere(Action action) {
        if (grants.stream().noneMatch(grant -> grant.allowsEverywhere(action))) {
            observer.forbidden(this, action);
            ProblemDetail problem = forbidden(action, null);
            problem.setDetail("The credentials do not grant the action " + action.label() + " in all namespaces.");
            throw new ProblemException(problem);
        }
    }

    /** The problem of an action that is not allowed. */
    public static ProblemDetail forbidden(Action action, @Nullable String namespace) {
        ProblemDetail problem = Problems.problem(
                ProblemType.FORBIDDEN,
                "The credentials do not grant the action " + action.label()
                        + (namespace == null ? "." : " in the namespace."));
        problem.setProperty("action", action.label());
        if (namespace != null) {
            problem.setProperty("namespace", namespace);
        }
        return problem;
    }

    /** The scope of the caller's idempotency keys for requests that span namespaces. */
    public String scope(String shared) {
        return scope == null ? shared : shared + "/" + scope;
    }
}
